"""How many bodies of popular packages the analysis closes, and whether it is right about them.

``make bodies`` prints the table of ``docs/bodies.md``, and fails where less than 65 % are closed or one of them is
wrong; ``python -m tests.corpus.bodies wiki`` prints a line for each member of a package instead. Each closed member is run on rows of its own: with all that it was said to read
loaded and every other column left out, it may run no query but those that were told.
"""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import json
import os
import re
import subprocess
import sys
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from tests.corpus.packages import HERE, packages, readable

PACKAGES = (
    "django-oscar",
    "wagtail",
    "django-machina",
    "wiki",
    "django-cms",
    "django-filer",
    "django-ledger",
    "django-photologue",
)
LEAST = 0.65
KINDS = ("columns", "to-one", "to-many", "queries", "open")
TAG = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
BIT = re.compile(r"\.([A-Za-z_]\w*)")
OUTPUT = re.compile(r"\{\{\s*\w+(?:\.\w+)*")


def judge(name: str) -> Iterator[dict[str, Any]]:
    """A verdict for every member of the package's models that its templates name."""
    package = packages()[name]
    package.set_up()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import override_settings

    bits = {
        bit
        for folder, names in package.folders().items()
        for template in names
        if readable(folder / template)
        for tag in TAG.findall((folder / template).read_text(encoding="utf-8"))
        for bit in BIT.findall(tag)
    }
    found = list(_members(package.name, bits))
    from django.apps import apps

    with override_settings(MIGRATION_MODULES={app.label: None for app in apps.get_app_configs()}):
        call_command("migrate", run_syncdb=True, verbosity=0)
    connection.cursor().execute("PRAGMA foreign_keys = OFF")
    for model, member in found:
        yield _verdict(model, member)


def _members(package: str, bits: set[str]) -> Iterator[tuple[Any, str]]:
    """One model for each function that is a member of models, and named in a template."""
    from django.apps import apps
    from django.db.models import Model

    from djust_ast.hints import function_of

    seen = set()
    for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
        for name in sorted([*(bits & set(dir(model))), "__str__"]):
            attribute = inspect.getattr_static(model, name)
            function = function_of(attribute)
            if function is None or function in seen or getattr(function, "alters_data", False):
                continue
            if function.__module__.startswith("django.") or (hasattr(Model, name) and name != "__str__"):
                continue
            required = [
                parameter
                for parameter in list(inspect.signature(function).parameters.values())[1:]
                if parameter.default is parameter.empty
                and parameter.kind.name in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")
            ]
            if required or not inspect.signature(function).parameters:
                continue
            seen.add(function)
            yield model, name


def _verdict(model: Any, name: str) -> dict[str, Any]:
    from djust_ast.bodies import body

    found = body(model, name)
    verdict: dict[str, Any] = {"member": f"{model.__name__}.{name}", "ran": 0, "wrong": [], "inlined": False}
    if found is None:
        return verdict | {"kind": "open", "why": ["no body"]}
    verdict["queries"] = found.queries
    verdict["why"] = list(found.open)
    if not found.closed:
        return verdict | {"kind": "open"}
    one, many = _relations(model, found.reads)
    kind = "queries" if found.queries else "to-many" if many else "to-one" if one else "columns"
    for full in (True, False):
        try:
            obj = make(model, full=full)
        except Unmakeable:
            continue
        ran, wrong = run(_fresh(obj), name, found)
        verdict["ran"] += ran
        verdict["wrong"] += wrong
        verdict["inlined"], wrong = inlined(_fresh(obj), name)
        verdict["wrong"] += wrong
    return verdict | {"kind": kind}


def _relations(model: Any, node: Any) -> tuple[int, int]:
    from djust_ast.members import RelationMember, member

    one = many = 0
    for name, child in node.attrs.items():
        found = member(model, name)
        if isinstance(found, RelationMember):
            below = child.attrs["all"].element if found.relation.many and "all" in child.attrs else child
            many += found.relation.many and "all" in child.attrs
            one += not found.relation.many
            inner = (0, 0) if below is None else _relations(found.relation.model, below)
            one, many = one + inner[0], many + inner[1]
    return one, many


# -- rows -----------------------------------------------------------------------------------------------------


class Unmakeable(Exception):
    """No row can be made of it."""


@cache
def make(model: Any, *, full: bool, depth: int = 0) -> Any:
    """A row of ``model``: with ``full`` every field is set and every reverse relation has a row."""
    from django.db import models, transaction

    if depth > 4:
        raise Unmakeable(model)
    values = {}
    for field in model._meta.concrete_fields:
        if field.auto_created or isinstance(field, models.AutoField):
            continue
        if field.is_relation:
            if not full and field.null:
                continue
            if depth >= 2 and field.null:
                continue
            try:
                values[field.name] = make(field.related_model, full=full and depth < 1, depth=depth + 1)
            except Unmakeable:
                if not field.null:
                    raise
        elif (
            full
            or getattr(field, "auto_now", False)
            or getattr(field, "auto_now_add", False)
            or not (field.null or field.has_default() or field.blank)
        ):
            values[field.attname] = _value(field)
    obj = model(**{name: value for name, value in values.items() if value is not _DEFAULT})
    try:
        with transaction.atomic():
            if model._meta.parents:
                obj.save()
            else:
                models.Model.save_base(obj, raw=True, force_insert=True)
            _fresh(obj)
    except Exception as error:
        raise Unmakeable(model) from error
    if full and depth == 0:
        for relation in model._meta.related_objects:
            _child(obj, relation)
        for field in model._meta.many_to_many:
            _link(obj, field)
    return obj


def _child(obj: Any, relation: Any) -> None:
    from django.db import Error, transaction

    field = relation.field
    if (
        not field.concrete
        or relation.many_to_many
        or (field.is_relation and field.many_to_many)
        or relation.parent_link
    ):
        return
    try:
        child = make.__wrapped__(relation.related_model, full=False, depth=2)
        with transaction.atomic():
            relation.related_model._base_manager.filter(pk=child.pk).update(
                **{field.attname: getattr(obj, field.target_field.attname)}
            )
    except (Unmakeable, Error, ValueError, TypeError, AttributeError):
        return


def _link(obj: Any, field: Any) -> None:
    from django.db import Error, transaction

    try:
        with transaction.atomic():
            getattr(obj, field.name).add(make(field.related_model, full=False, depth=2))
    except (Unmakeable, Error, ValueError, TypeError, AttributeError):
        return


_DEFAULT = object()
_serial = iter(range(1, 1_000_000))


def _value(field: Any) -> Any:
    from django.db import models

    if field.choices:
        first = field.flatchoices[0][0]
        return first if first not in (None, "") else field.flatchoices[-1][0]
    n = next(_serial)
    rows: tuple[tuple[type, Any], ...] = (
        (models.UUIDField, uuid.uuid4()),
        (models.EmailField, f"a{n}@example.com"),
        (models.URLField, f"https://example.com/{n}"),
        (models.FileField, f"file{n}.png"),
        (models.SlugField, f"s{n}"),
        (models.GenericIPAddressField, "127.0.0.1"),
        (models.CharField, f"t{n}"),
        (models.TextField, f"text {n}"),
        (models.DateTimeField, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        (models.DateField, dt.date(2024, 1, 1)),
        (models.TimeField, dt.time(12)),
        (models.DurationField, dt.timedelta(days=1)),
        (models.DecimalField, Decimal("1")),
        (models.FloatField, 1.0),
        (models.BooleanField, True),
        (models.IntegerField, n % 30_000),
        (models.JSONField, {}),
        (models.BinaryField, b"x"),
    )
    for kind, value in rows:
        if isinstance(field, kind):
            if isinstance(value, str) and field.max_length:
                return value[-field.max_length :]
            return value
    return _DEFAULT


def _fresh(obj: Any) -> Any:
    return type(obj)._base_manager.get(pk=obj.pk)


# -- running --------------------------------------------------------------------------------------------------


def run(obj: Any, name: str, found: Any) -> tuple[int, list[str]]:
    """Run a member with no more loaded than it was said to read: whether it went well, and the surprises."""
    from django.db import connection
    from django.urls import NoReverseMatch

    kept: dict[int, tuple[Any, set[str]]] = {}
    _load(obj, found.reads, kept)
    _forget(kept)
    wrong: list[str] = []
    queries = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        lazy = _lazy(found)
        if lazy is not None:
            wrong.append(f"loads {lazy}")
        elif not found.queries:
            wrong.append(f"runs {sql[:120]}")
        queries.append(sql)
        return execute(sql, params, many, context)

    ran = 1
    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(record))
        try:
            value = getattr(obj, name)
            value = value() if callable(value) else value
            if hasattr(value, "query") and not found.queries and not found.returns:
                list(value)
        except (NoReverseMatch, Exception):  # noqa: BLE001 - what it raises is its own; what it asked for counts
            if os.environ.get("TRACE"):
                traceback.print_exc()
            ran = 0
    return ran, wrong


def inlined(obj: Any, name: str) -> tuple[bool, list[str]]:
    """Whether rows say the member in its place, and what they say if it is something else."""
    from djust_ast.bodies.pure import OBJECT, expression

    told = expression(type(obj), name)
    if told is None:
        return False, []
    code = compile(ast.fix_missing_locations(ast.Expression(told.node)), "<inlined>", "eval")
    row = SimpleNamespace(**{column: getattr(obj, column) for column in told.columns})
    said = eval(code, {OBJECT: row})  # noqa: S307 - what the analysis made of a body
    value = getattr(obj, name)
    value = value() if callable(value) else value
    same = type(said) is type(value) and said == value
    return True, [] if same else [f"is {value!r}, and rows say {said!r}"]


def _lazy(found: Any) -> str | None:
    """The attribute that Django is loading for an object of ours, told from the stack."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__get__" and code.co_filename.endswith(
            ("related_descriptors.py", "query_utils.py")
        ):
            descriptor, instance = frame.f_locals.get("self"), frame.f_locals.get("instance")
            field = getattr(descriptor, "field", None) or getattr(descriptor, "related", None)
            told = f"{getattr(getattr(field, 'related_model', None), '__name__', '')}.get()" in found.queries
            # What a query of its own finds may be a prefetched row, which was said to have been read less of.
            told = told or any(query.startswith(f"{type(instance).__name__}.") for query in found.queries)
            if instance is not None and "_told" in instance.__dict__ and not told:
                return f"{type(instance).__name__}.{getattr(field, 'name', field)}"
        frame = frame.f_back
    return None


def _load(obj: Any, node: Any, kept: dict[int, tuple[Any, set[str]]]) -> None:
    """Load what ``node`` tells of ``obj``, and write down which of its columns that is."""
    from django.core.exceptions import ObjectDoesNotExist
    from django.db.models import prefetch_related_objects

    from djust_ast.members import ColumnMember, RelationMember, member

    obj.__dict__["_told"] = True
    keep = kept.setdefault(id(obj), (obj, {obj._meta.pk.attname}))[1]
    below = []
    for name, child in node.attrs.items():
        match member(type(obj), name):
            case ColumnMember(field):
                keep.add(field.attname)
            case RelationMember(relation) if relation.many:
                keep.add(relation.local)  # as the foreign key of a to-one relation
                if "all" in child.attrs and child.attrs["all"].element is not None:
                    prefetch_related_objects([obj], relation.accessor)
                    element = child.attrs["all"].element
                    below += [(row, element) for row in getattr(obj, relation.accessor).all()]
            case RelationMember(relation):
                keep.add(relation.local)
                try:
                    other = getattr(obj, name)
                except ObjectDoesNotExist:
                    obj._state.fields_cache[
                        relation.field.remote_field.cache_name if relation.reverse else relation.field.name
                    ] = None
                    continue
                if other is not None:
                    below.append((other, child))
            case _:
                if name in obj.__dict__:
                    keep.add(name)
    for other, child in below:
        _load(other, child, kept)


def _forget(kept: dict[int, tuple[Any, set[str]]]) -> None:
    """Leave out every other column; an object may have been reached in more than one way."""
    for obj, keep in kept.values():
        for field in obj._meta.concrete_fields:
            if field.attname not in keep and field.is_relation is False:
                obj.__dict__.pop(field.attname, None)


# -- the table ------------------------------------------------------------------------------------------------


def report(name: str) -> list[dict[str, Any]]:
    """The verdicts of one package, judged in a process of its own."""
    command = [sys.executable, "-m", "tests.corpus.bodies", "--judge", name]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    with TemporaryDirectory() as folder:  # some packages make files
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=environment, cwd=folder, check=False
        )
    if done.returncode:
        sys.stderr.write(done.stderr[-3000:])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main(arguments: list[str]) -> int:
    """Print what is asked for; 1 if the table shows less than it should."""
    if arguments[:1] == ["--judge"]:
        for verdict in judge(arguments[1]):
            sys.stdout.write(json.dumps(verdict, default=str) + "\n")
        return 0
    if arguments:
        for verdict in report(arguments[0]):
            line = f"{verdict['kind']:8} {verdict['ran']} {'inlined ' if verdict.get('inlined') else ''}{verdict['member']}  {'; '.join(verdict['why'])}"
            sys.stdout.write(line + "".join(f"\n    WRONG {wrong}" for wrong in verdict["wrong"]) + "\n")
        return 0
    total: Counter[str] = Counter()
    judged: list[bool] = []
    sys.stdout.write(f"| package | members | {' | '.join(KINDS)} | closed | inlined | run | wrong |\n")
    sys.stdout.write("|---|" + "---:|" * (len(KINDS) + 5) + "\n")
    for name in PACKAGES:
        verdicts = report(name)
        judged.append(bool(verdicts))
        counts = Counter(verdict["kind"] for verdict in verdicts)
        counts["members"] = len(verdicts)
        counts["ran"] = sum(bool(verdict["ran"]) for verdict in verdicts)
        counts["inlined"] = sum(bool(verdict.get("inlined")) for verdict in verdicts)
        counts["wrong"] = sum(bool(verdict["wrong"]) for verdict in verdicts)
        total += counts
        sys.stdout.write(_row(f"{name} {packages()[name].distribution.version}", counts))
    sys.stdout.write(_row("all", total))
    return 1 if total["wrong"] or _closed(total) < LEAST or not all(judged) else 0


def _closed(counts: Counter[str]) -> float:
    return (counts["members"] - counts["open"]) / max(counts["members"], 1)


def _row(name: str, counts: Counter[str]) -> str:
    cells = [counts["members"], *(counts[kind] for kind in KINDS)]
    share = f"{_closed(counts):.0%}"
    return f"| {name} | {' | '.join(map(str, cells))} | {share} | {counts['inlined']} | {counts['ran']} | {counts['wrong']} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
