"""What all templates of a project read, and what is wrong with them: ``manage.py djust_ast scan``.

No tag is run, no template is compiled and no query is made; a file that cannot be read is a diagnostic, too.
"""

from __future__ import annotations

import copy
import mimetypes
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.template import Engine, TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from django.template.loaders import cached, filesystem, locmem

from djust_ast.diagnostics import Diagnostic, columns, visible
from djust_ast.errors import TemplateError
from djust_ast.frontend import extract
from djust_ast.native import lex
from djust_ast.paths import PathTree

_CELL = 48
_CODE = {".py", ".pyc", ".pyo"}
_BINARY = {"image", "audio", "video", "font"}
_PARENTS = {"include", "extends"}


@dataclass(frozen=True, slots=True)
class Scanned:
    """One template: what it reads, what hides that from us, and what is wrong."""

    name: str
    engine: str
    origin: str
    roots: tuple[str, ...] = ()
    opaque_tags: tuple[str, ...] = ()
    unknown_libraries: tuple[str, ...] = ()
    dynamic_includes: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All templates that were scanned; ``str()`` prints the table, the diagnostics and a count of them."""

    templates: tuple[Scanned, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Each once, although all children tell of a broken parent."""
        return tuple(dict.fromkeys(found for template in self.templates for found in template.diagnostics))

    def count(self, severity: str) -> int:
        """How many ``error`` or ``warn`` diagnostics there are."""
        return sum(found.severity == severity for found in self.diagnostics)

    @property
    def verdict(self) -> str:
        """``25 templates, 1 error, no warnings``."""
        numbers = {
            "template": len(self.templates),
            "error": self.count("error"),
            "warning": self.count("warn"),
        }
        return ", ".join(
            f"{number or 'no'} {noun}{'' if number == 1 else 's'}" for noun, number in numbers.items()
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {
            "templates": [asdict(template) for template in self.templates],
            "errors": self.count("error"),
            "warnings": self.count("warn"),
        }

    def __str__(self) -> str:
        shown = [found.render() for found in self.diagnostics]
        return "\n\n".join(["\n".join(_table(self.templates)), *shown, self.verdict])


def scan(patterns: Sequence[str] = ()) -> tuple[Report, tuple[str, ...]]:
    """A report on the templates of all Django engines, and the patterns that no template matches.

    A pattern is a template's name, a file or a folder, or a glob of either; without any, all templates count.
    """
    wanted: list[Scanned] = []
    matched: set[str] = set()
    for backend in engines.all():
        if not isinstance(backend, DjangoTemplates):
            continue
        engine = _uncached(backend.engine)
        for name in sorted(set(_names(engine.template_loaders))):
            origin, source, problem = _read(engine, name)
            hits = [pattern for pattern in patterns if _matches(pattern, name, origin)]
            matched.update(hits)
            if patterns and not hits:
                continue
            wanted.append(_scanned(name, str(backend.name), engine, origin, source, problem))
    return Report(tuple(wanted)), tuple(pattern for pattern in patterns if pattern not in matched)


def _uncached(engine: Engine) -> Engine:
    """``engine`` with the loaders that its cached loaders stand before: those would compile what they load."""
    twin = copy.copy(engine)
    twin.template_loaders = list(_inner(engine.template_loaders))
    return twin


def _inner(loaders: Iterable[Any]) -> Iterator[Any]:
    for loader in loaders:
        if isinstance(loader, cached.Loader):
            yield from _inner(loader.loaders)
        else:
            yield loader


def _names(loaders: Iterable[Any]) -> Iterator[str]:
    """The names of all templates; other loaders than Django's kinds cannot tell theirs."""
    for loader in loaders:
        match loader:
            case filesystem.Loader():
                for folder in loader.get_dirs():
                    yield from _files(Path(folder))
            case locmem.Loader():
                yield from loader.templates_dict


def _files(folder: Path) -> Iterator[str]:
    seen: set[str] = set()
    for path, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(path)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in files:
            if not name.startswith(".") and not _is_no_template(name):
                yield (Path(path) / name).relative_to(folder).as_posix()


def _is_no_template(name: str) -> bool:
    """Whether a file in a folder of templates is code or a picture; SVG is text."""
    kind = mimetypes.guess_type(name)[0] or ""
    return Path(name).suffix in _CODE or (kind.partition("/")[0] in _BINARY and not kind.endswith("+xml"))


def _read(engine: Engine, name: str) -> tuple[str, str, Diagnostic | None]:
    """``(origin, source, what prevents that it is read)`` of the template that the engine has under ``name``."""
    loaders: list[Any] = engine.template_loaders
    for loader in loaders:
        for origin in loader.get_template_sources(name):
            try:
                return str(origin), str(loader.get_contents(origin)), None
            except TemplateDoesNotExist:
                continue
            except UnicodeDecodeError as error:
                message = f"the template is not {error.encoding}: {error.reason} at byte {error.start}"
                return str(origin), "", Diagnostic(message, name, code="DA907", help="save it as UTF-8")
            except OSError as error:
                message = f"the template cannot be read: {error.strerror or error}"
                return str(origin), "", Diagnostic(message, name, code="DA102")
    return name, "", Diagnostic(f"template '{name}' cannot be found", name, code="DA102", severity="warn")


def _scanned(
    name: str, alias: str, engine: Engine, origin: str, source: str, problem: Diagnostic | None
) -> Scanned:
    if problem is not None:
        return Scanned(name, alias, origin, diagnostics=(problem,))
    try:
        tree = extract(source, name=name, engine=engine)
    except TemplateError as error:
        libraries = _unknown_libraries(source, engine) if error.code == "DA005" else ()
        return Scanned(name, alias, origin, unknown_libraries=libraries, diagnostics=(error.diagnostic,))
    return Scanned(
        name,
        alias,
        origin,
        tuple(tree.roots),
        _opaque(tree),
        (),
        tuple(
            dict.fromkeys(
                dep.expression or "" for dep in tree.deps if dep.name is None and dep.kind in _PARENTS
            )
        ),
        tree.diagnostics,
    )


def _opaque(tree: PathTree) -> tuple[str, ...]:
    """The tags that may read any value of the context."""
    readers = {read.tag for read in tree.context_reads if read.reads is None} - _PARENTS
    return tuple(sorted(readers | set(tree.unknown_tags)))


def _unknown_libraries(source: str, engine: Engine) -> tuple[str, ...]:
    """The libraries that ``{% load %}`` names and the engine does not have: the error names the first only."""
    named: dict[str, None] = {}
    in_comment = False
    for kind, contents, _ in lex(source):
        if kind == "B":
            command, *words = contents.split()
            in_comment = contents != "endcomment" if in_comment else command == "comment"
            if command == "load" and not in_comment:
                named.update(dict.fromkeys(words[-1:] if "from" in words[:-1] else words))
    return tuple(name for name in named if name not in engine.template_libraries)


def _matches(pattern: str, name: str, origin: str) -> bool:
    if fnmatchcase(name, pattern) or fnmatchcase(origin, pattern):
        return True
    path = Path(pattern).absolute()
    return path == Path(origin) or path in Path(origin).parents


def _table(templates: Sequence[Scanned]) -> Iterator[str]:
    """One line a template, in columns; long cells are cut, and a column that is empty everywhere is left out."""
    rows = [
        {
            "engine": template.engine,
            "template": template.name,
            "roots": " ".join(template.roots),
            "opaque tags": " ".join(template.opaque_tags),
            "unknown libraries": " ".join(template.unknown_libraries),
            "dynamic includes": " ".join(template.dynamic_includes),
            "errors": " ".join(found.code for found in template.diagnostics if found.severity == "error"),
        }
        for template in templates
    ]
    heads = ["template", "roots", "opaque tags", "unknown libraries", "dynamic includes", "errors"]
    heads = [head for head in heads if head in {"template", "roots"} or any(row[head] for row in rows)]
    if len({template.engine for template in templates}) > 1:
        heads.insert(0, "engine")
    cells = [heads, *([_cut(row[head], head) for head in heads] for row in rows)]
    widths = [max(columns(row[column]) for row in cells) for column in range(len(heads))]
    for row in cells:
        padded = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def _cut(text: str, head: str) -> str:
    shown = visible(text)
    return shown if head == "template" or columns(shown) <= _CELL else shown[: _CELL - 1] + "…"
