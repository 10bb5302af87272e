"""What Django's templates find: the rules of ``Variable._resolve_lookup``, applied to paths one by one.

``interpret`` works on live objects and on the records that stand for them, so a serializer conforms when both
give the same.
"""

from collections.abc import Iterable, Mapping

from django.core.files import File
from django.db.models import Manager
from django.template import Context, Engine, Variable, VariableDoesNotExist

SILENT = "[silent]"
TEMPLATE = Engine(string_if_invalid=SILENT).from_string("")


def interpret(paths, obj):
    """``{name: value}`` for dotted ``paths`` below ``obj``; to-many names go on with each of their rows."""
    groups = {}
    for path in paths:
        name, _, rest = path.partition(".")
        groups.setdefault(name, []).extend([rest] if rest else [])
    result = {}
    for name, below in groups.items():
        context = Context({"obj": obj})
        context.template = TEMPLATE
        try:
            value = Variable(f"obj.{name}").resolve(context)
        except VariableDoesNotExist:
            continue
        except Exception as error:  # noqa: BLE001 - what a property raises is what there is to see
            result[name] = type(error)
            continue
        if isinstance(value, Manager) and below and not below[0].startswith("all"):
            value = value.all()
        rows = isinstance(value, Iterable) and not isinstance(value, Mapping | str | File)
        if not below or value is None or value == SILENT:
            result[name] = value
        else:
            result[name] = [interpret(below, row) for row in value] if rows else interpret(below, value)
    return result
