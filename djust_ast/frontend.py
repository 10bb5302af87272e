"""From a Django template to its path tree: finds the sources through the engine's own loaders, never on disk.

The extractor reads sources. Where it is missing, or where somebody has replaced Django's lexer, so that it would
read them differently, Django's own compiled nodes are walked instead; the document is the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from django.db import DatabaseError
from django.template import Engine, Template, TemplateDoesNotExist
from django.template.base import UNKNOWN_SOURCE, Origin
from django.template.loaders import cached

from djust_ast import native, nodewalk
from djust_ast.choices import Answer, Ask, Calls, Given, Operand, Question
from djust_ast.conf import settings
from djust_ast.errors import TemplateError
from djust_ast.nodewalk.limits import BROKEN, MISSING
from djust_ast.paths import PathTree
from djust_ast.registry import registry_for, stock_libraries, stock_registry
from djust_ast.replaced import replaced

T = TypeVar("T")


class Entry(NamedTuple):
    """The template that was asked for; held weakly, for what is known of a template is forgotten with it."""

    source: str
    name: str | None
    template: ref[Template]


class _Found(NamedTuple):
    source: str
    origin: Origin
    template: Template | None = None
    problem: Exception | None = None
    """Why Django cannot compile it."""


@dataclass(slots=True)
class Sources:
    """What an engine's loaders serve, and what was taken from them: the proof that a tree is still true."""

    engine: Engine
    origins: list[Origin | None]
    taken: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)
    refused: dict[str, Exception] = field(default_factory=dict)
    """What loaders raised when they were asked for a template, instead of saying that they do not have it."""
    problems: dict[int, tuple[Exception, str]] = field(default_factory=dict)
    """What the tags of a file raised when Django's loaders compiled it, and its source."""
    entry: Entry | None = None
    ask: Ask | None = None
    asked: dict[Question, Answer] = field(default_factory=dict)
    _given: dict[Given, int] = field(default_factory=dict)

    def resolve(self, name: str, skip: Sequence[int]) -> tuple[str, str] | None:
        """``(display name, source)`` of the template ``name``, or ``None``; the extractor's callback."""
        found = self._take(name, skip)
        return (str(found.origin.template_name or name), found.source) if found is not None else None

    def load(self, name: str, skip: Sequence[int]) -> nodewalk.Loaded | None:
        """As ``resolve``, with what Django makes of the source; the walk's callback."""
        found = self._take(name, skip)
        if found is None:
            return None
        display = str(found.origin.template_name or name)
        compiled = found.template or _compiled(found.source, found.origin, display, self.engine)
        return nodewalk.Loaded(display, found.source, compiled)

    def choose(self, kind: str, file: int, head: Operand, calls: Calls) -> str | list[list[Any]]:
        """Which templates a dynamic name may stand for, or why nobody knows; the extractor's callback."""
        if self.ask is None:
            return ""
        origin = self.origins[file]
        name = origin.template_name if origin is not None else None
        question = Question(kind, None if name is None else str(name), head, calls)
        answer = self.asked[question] = self.ask(question)
        return answer.why or [[self._target(target) for target in choice] for choice in answer.choices]

    def _target(self, target: str | Given) -> str | tuple[int, str, str | None, str]:
        if isinstance(target, str):
            return target
        if target not in self._given:
            self._given[target] = len(self.origins)
            self.origins.append(target.origin)
        return self._given[target], target.name, target.template, target.source

    def same(self, ask: Ask) -> bool:
        """Whether ``ask`` gives the answers that were taken."""
        return all(ask(question) == answer for question, answer in self.asked.items())

    def unchanged(self) -> bool:
        """Whether the loaders still serve what was taken."""
        for name, skip, source in self.taken:
            found = self._find(name, skip)
            if (found.source if found else "") != source:
                return False
        return True

    def _take(self, name: str, skip: Sequence[int]) -> _Found | None:
        found = self._find(name, skip)
        self.taken.append((name, tuple(skip), found.source if found else ""))
        if found is not None:
            if found.problem is not None:
                self.problems[len(self.origins)] = found.problem, found.source
            self.origins.append(found.origin)
        return found

    def _find(self, name: str, skip: Sequence[int]) -> _Found | None:
        passed = [origin for index in skip if (origin := self.origins[index]) is not None]
        loaders: list[Any] = self.engine.template_loaders
        for loader in loaders:
            problem: Exception | None = None
            if isinstance(loader, cached.Loader):
                template = _tried(partial(loader.get_template, name, skip=passed))
                if isinstance(template, Template):
                    return _Found(str(template.source), template.origin, template)
                if isinstance(template, TemplateDoesNotExist):
                    continue
                problem = template
            found = _tried(partial(_served, loader, name, passed))
            if isinstance(found, Exception):
                self.refused[name] = found
            elif found is not None:
                return found._replace(problem=problem)
        return None


def _served(loader: Any, name: str, passed: list[Origin]) -> _Found | None:
    """The source that a loader has for ``name``."""
    for origin in loader.get_template_sources(name):
        if origin not in passed:
            try:
                return _Found(str(loader.get_contents(origin)), origin)
            except (TemplateDoesNotExist, OSError, ValueError):
                continue
    return None


def extract(source: str, *, name: str | None = None, engine: Engine | None = None) -> PathTree:
    """What the template ``source`` reads.

    With an ``engine`` its tags and filters are known and its loaders find parents and includes; without one,
    Django's own libraries are assumed, and what is included is unknown. A malformed template is a
    ``TemplateError`` with line, column and a caret.
    """
    sources = Sources(engine, [None]) if engine is not None else None
    return _extract(source, name, engine, sources)


def sources_of(template: Template) -> Sources:
    """Where the sources of a compiled template will be found; nothing is taken yet."""
    entry = Entry(str(template.source), template.name, ref(template))
    return Sources(template.engine, [template.origin], entry=entry)


def read(sources: Sources) -> PathTree:
    """What the template reads; ``sources`` then know what took part, also if it is a ``TemplateError``."""
    if sources.entry is None:
        raise TemplateError("only a compiled template can be read")
    source, name, template = sources.entry
    return _extract(source, name, sources.engine, sources, compiled=template())


def read_again(known: Sources, ask: Ask) -> tuple[PathTree, Sources]:
    """What was read of ``known``, with the names of dynamic templates as ``ask`` tells them.

    Where nodes are walked, nobody is asked: what a dynamic template sees stays live.
    """
    sources = Sources(known.engine, known.origins[:1], entry=known.entry, ask=ask)
    return read(sources), sources


def local_paths(source: str, *, engine: Engine | None = None) -> PathTree:
    """As ``extract``, with the paths of loop variables and aliases under their own names in ``locals``."""
    sources = Sources(engine, [None]) if engine is not None else None
    return _extract(source, None, engine, sources, local_names=True)


def why_nodes_are_walked() -> list[str]:
    """Why the extractor cannot be used here; nothing if it can."""
    missing = [f"the extractor cannot be imported: {native.MISSING}"] if native.MISSING is not None else []
    return missing or replaced()


def _extract(
    source: str,
    name: str | None,
    engine: Engine | None,
    sources: Sources | None,
    *,
    compiled: Template | None = None,
    local_names: bool = False,
) -> PathTree:
    registry = registry_for(engine) if engine is not None else stock_registry()
    hesitant = engine is not None and bool(engine.string_if_invalid)
    if why_nodes_are_walked():
        origin = Origin(name or UNKNOWN_SOURCE, name or "")
        template = compiled or _compiled(source, origin, name, engine or _stock_engine())
        entry = nodewalk.Loaded(name, source, template)
        load = sources.load if sources is not None else None
        env, most = f"nodes {registry.hash}", nodewalk.Limits(*limits())
        walked = nodewalk.walk(entry, load, env=env, local_names=local_names, limits=most)
        return PathTree(_with_reasons(walked, sources), hesitant=hesitant)
    resolve = sources.resolve if sources is not None else None
    choose = sources.choose if sources is not None and sources.ask is not None else None
    try:
        tree = native.extract(
            source, name, registry, resolve, locals=local_names, limits=limits(), choose=choose
        )
        document = _with_reasons(_with_problems(tree.json(), sources), sources)
        return PathTree(document, hesitant=hesitant)
    except native.ExtractError as error:
        raise template_error(error) from None


def _with_reasons(document: bytes, sources: Sources | None) -> bytes:
    """The document, which tells what loaders raised of templates that cannot be found."""
    if sources is None or not sources.refused:
        return document
    found = json.loads(document)
    for known in found["diag"]:
        for name, error in sources.refused.items():
            if known["code"] == MISSING and f"'{name}'" in known["msg"]:
                known["msg"] += f": {type(error).__name__}: {error}"
    return json.dumps(found).encode()


def _with_problems(document: bytes, sources: Sources | None) -> bytes:
    """The document with what Django could not compile and we could read: Django meets it only if it renders."""
    if sources is None or not sources.problems:
        return document
    found = json.loads(document)
    for file, (problem, source) in sources.problems.items():
        if any(known["sev"] == "error" and known["at"][0] == file for known in found["diag"]):
            continue
        number = getattr(getattr(problem, "token", None), "lineno", 1)
        line = source.split("\n")[number - 1]
        written = line.strip()
        at = [file, number, line.find(written) + 1, len(written)]
        message = f"{type(problem).__name__}: {problem}"
        found["diag"].append({"sev": "error", "code": BROKEN, "msg": message, "at": at, "src": line})
        found.setdefault("ctx", []).append({"tag": "include", "reads": "*", "at": at})
    return json.dumps(found).encode()


def _compiled(source: str, origin: Origin, name: str | None, engine: Engine) -> Template | Exception:
    """What Django makes of a source, or why it makes nothing of it."""
    return _tried(partial(Template, source, origin, name, engine))


def _tried(code: Callable[[], T]) -> T | Exception:
    """What the code of a loader or of a tag gives, or what it raises while nothing renders.

    That may be any exception: ``Parser.parse()`` lets those of a tag's own code pass, whatever they are. Django meets
    them when the page renders this template, if it does; until then they are nobody's, and diagnostics tell them.
    """
    try:
        return code()
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - it is kept, and told as Django would
        return error


@lru_cache(maxsize=1)
def _stock_engine() -> Engine:
    return Engine(libraries=stock_libraries(), loaders=[("django.template.loaders.locmem.Loader", {})])


def limits() -> tuple[int, int, int, int]:
    """How much of a template is read: bytes, nesting, paths and includes."""
    found = settings()
    return found.MAX_TEMPLATE_BYTES, found.MAX_DEPTH, found.MAX_PATHS, found.MAX_INCLUDES


def template_error(error: native.ExtractError) -> TemplateError:
    """The extractor's error as ours; without a length it is about the template as a whole."""
    code, message, file, line, column, length, text = error.args
    if not length:
        return TemplateError(message, file, code=code, help=error.help)
    return TemplateError(
        message, file, line, column, code=code, length=length, source_line=text, help=error.help
    )
