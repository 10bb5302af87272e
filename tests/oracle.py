"""What Django's templates find: the rules of ``Variable._resolve_lookup``, applied to paths one by one.

``interpret`` works on live objects and on the records that stand for them, so a serializer conforms when both
give the same.
"""

from collections.abc import Iterable, Mapping

from django.db.models import Manager
from django.template import Context, VariableDoesNotExist
from django.template.base import Variable

SILENT = "[silent]"


def interpret(paths, obj):
    """``{name: value}`` for dotted ``paths`` below ``obj``; to-many names go on with each of their rows."""
    groups, result = {}, {}
    for path in paths:
        name, _, rest = path.partition(".")
        groups.setdefault(name, []).extend([rest] if rest else [])
    for name, below in groups.items():
        try:
            value = Variable(f"obj.{name}").resolve(Context({"obj": obj}).new({"obj": obj}))
        except VariableDoesNotExist:
            continue
        except Exception as error:  # noqa: BLE001 - whatever a property raises is its value here
            result[name] = type(error).__name__
            continue
        if below and isinstance(value, Manager) and below[0].partition(".")[0] != "all":
            value = value.all()
        if below and isinstance(value, Iterable) and not isinstance(value, Mapping | str):
            result[name] = [interpret(below, item) for item in value]
        elif below and value is not None:
            result[name] = interpret(below, value)
        else:
            result[name] = value if value is None or not below else interpret(below, value)
    return result
