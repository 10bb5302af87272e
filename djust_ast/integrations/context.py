"""Contexts: the place that decides what is planned, and the only one that falls back.

A value that cannot be planned stays as it was, and that is said once in the log ``djust_ast``; with ``STRICT``
it is raised. Nothing here catches a database error.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, reduce
from threading import Lock
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from django.db.models import Model
from django.http import HttpRequest
from django.template import Template, base
from django.template.loader import get_template

from djust_ast.compiler import check_mode, compile_node
from djust_ast.conf import settings
from djust_ast.errors import DjustAstError, TemplateError
from djust_ast.explanation import Explanation, RootExplanation
from djust_ast.fetch.sql import planned_sql, sql_of
from djust_ast.frontend import Sources, limits, read, sources_of, why_nodes_are_walked
from djust_ast.integrations.dynamic import answered, escapes
from djust_ast.integrations.names import Names
from djust_ast.integrations.nested import of_nested
from djust_ast.integrations.serving import Key, Served, Serving
from djust_ast.integrations.sharing import held
from djust_ast.integrations.values import serve
from djust_ast.jsonify import safe
from djust_ast.paths import PathNode, PathTree, merge
from djust_ast.registry import registry_for
from djust_ast.serializer import Serializer

logger = logging.getLogger("djust_ast")

_PARTIAL: Any = getattr(base, "PartialTemplate", None)  # new in Django 6

_partials: WeakKeyDictionary[Any, Template] = WeakKeyDictionary()
_compiled: WeakKeyDictionary[Template, CompiledTemplate | _Unread] = WeakKeyDictionary()
_lock = Lock()
_said: set[str] = set()
MAX_NAMED = 64
Attrs = tuple[tuple[str, type[Model]], ...]


class Observer(Protocol):
    """Who wants to know what is served and what is not: the assertions of tests."""

    def serves(self, name: str, files: Collection[str]) -> None:
        """The template ``name`` is served, which is made of ``files``."""

    def declines(self, text: str) -> None:
        """Something is left to plain Django, for the reason in ``text``."""


observers: list[Observer] = []


def serialize_context(
    template: str | Any,
    context: Mapping[str, Any],
    *,
    mode: str = "template",
    request: HttpRequest | None = None,
) -> dict[str, Any]:
    """``context`` with records in the place of what ``template`` reads from the database.

    ``template`` is a template name, a ``django.template.Template`` or a backend's template. Rendering it with
    the result gives what rendering it with ``context`` gives. Values that the template does not read, or that
    cannot be planned, are passed on as they are.

    ``mode="json"`` gives JSON-safe values of what is read, and leaves the rest out, whatever ``ENABLED`` and
    ``EXCLUDE_TEMPLATES`` say: plain Django has no JSON to fall back to. Of a template that cannot be read it
    gives nothing. ``request`` is that of the page; what context processors add is not serialized yet, but what is
    read below ``request`` and its user, who is not asked for here, is fetched with as few queries as possible.
    """
    check_mode(mode)
    json = mode == "json"
    if not json and not settings().ENABLED:
        return dict(context)
    found = template_of(template)
    name = str(found.name or "")
    if not json and any(fnmatchcase(name, pattern) for pattern in settings().EXCLUDE_TEMPLATES):
        return dict(context)
    try:
        compiled = compile_template(found)
    except DjustAstError as error:
        decline(error, found.name)
        return {} if json else dict(context)
    return compiled.serialize(context, mode=mode, request=request)


def compile_template(template: str | Any) -> CompiledTemplate:
    """What ``template`` reads, ready to serialize contexts; made once for as long as its sources stay the same.

    A template that the extractor cannot read is a ``TemplateError``.
    """
    found = template_of(template)
    with _lock:
        compiled = _compiled.get(found)
    if compiled is None or not compiled.current():
        sources = sources_of(found)
        try:
            compiled = CompiledTemplate(found.name, read(sources), sources)
        except TemplateError as error:
            # Copies, for an exception holds the frames that it went through, and they the template.
            tags = registry_for(sources.engine).hash
            compiled = _Unread(copy(error), sources, tags, limits(), why_nodes_are_walked())
        with _lock:
            _compiled[found] = compiled
    if isinstance(compiled, _Unread):
        raise copy(compiled.error)
    return compiled


def explain(template: str | Any, context: Mapping[str, Any]) -> Explanation:
    """What is read, planned and generated for ``template``; no query is run.

    A value of ``context`` may be a model class, which stands for a queryset of all its objects.
    """
    return compile_template(template).explain(context)


def template_of(template: str | Any) -> Template:
    """The ``django.template.Template`` behind a name, a backend's template, or itself.

    For a partial, ``page.html#rows``, it is one that includes it, and so reads the same.
    """
    found = get_template(template) if isinstance(template, str) else template
    found = getattr(found, "template", found)
    if _PARTIAL is not None and isinstance(found, _PARTIAL):
        found = _template_with(found)
    if not isinstance(found, Template):
        raise TemplateError(f"expected a template of Django's own engine, got {type(found).__name__}")
    return found


def _template_with(partial: Any) -> Template | None:
    """A template that includes a partial; ``None`` if no engine can say where that is from."""
    known = _partials.get(partial)
    engine, home = getattr(partial, "engine", None), partial.origin.template_name
    if known is None and engine is not None and home is not None:
        name = f"{home}#{partial.name}"
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        known = _partials[partial] = Template(f'{{% include "{quoted}" %}}', name=name, engine=engine)
    return known


@dataclass(frozen=True, slots=True)
class _Unread:
    """A template that could not be read, so that nobody tries again before something has changed."""

    error: TemplateError
    sources: Sources
    registry: str
    limits: tuple[int, int, int, int]
    replaced: list[str]

    def current(self) -> bool:
        """Whether it would end in the same way."""
        same = self.limits == limits() and registry_for(self.sources.engine).hash == self.registry
        same = same and self.replaced == why_nodes_are_walked()
        return same and self.sources.unchanged()


class CompiledTemplate:
    """What one template reads, and the serializers of the models that it was served with.

    Where the template includes or extends others that only a value names, ``tree`` leaves them open; ``named()``
    is this with the templates that one context names, each with a tree of its own.
    """

    def __init__(self, name: str | None, tree: PathTree, sources: Sources) -> None:
        self.name = name or "<template>"
        self.tree = tree
        self._sources = sources
        self._registry = registry_for(sources.engine).hash
        self._replaced = why_nodes_are_walked()
        self._serializers: dict[tuple[Key, type[Model], bool, tuple[str, ...], Attrs], Serializer] = {}
        self._named: list[CompiledTemplate] = []
        self._stores = False

    @property
    def roots(self) -> tuple[str, ...]:
        """The names of the context that the template reads."""
        return tuple(self.tree.roots)

    def current(self) -> bool:
        """Whether the loaders still serve the sources that were read, with the same tags, to the same Django."""
        same = registry_for(self._sources.engine).hash == self._registry
        return same and self._replaced == why_nodes_are_walked() and self._sources.unchanged()

    @cached_property
    def _open(self) -> bool:
        """Whether values of a context may tell more."""
        unasked = self._sources.entry is not None and self._sources.ask is None
        return unasked and any(dep.name is None and dep.expression for dep in self.tree.deps)

    @cached_property
    def _known(self) -> bool:
        """Whether all tags and filters are known that get to see the context, or a value of it."""
        return not self.tree.escapes and not any(map(escapes, self.tree.roots.values()))

    def named(self, context: Mapping[str, Any]) -> CompiledTemplate:
        """This, with the templates that values of ``context`` name; made once for each combination of them."""
        if not self._open:
            return self
        names = Names(context, self._sources.engine)
        with _lock:
            known = tuple(self._named)
        for row, compiled in enumerate(known):
            if compiled._sources.same(names) and compiled.current():
                if row:
                    self._keep(compiled)
                return compiled
        try:
            compiled = CompiledTemplate(self.name, *answered(self._sources, names))
        except DjustAstError as error:
            decline(error, self.name)
            return self
        self._keep(compiled)
        return compiled

    def _keep(self, compiled: CompiledTemplate) -> None:
        """Have it found first; what was not used for long is forgotten."""
        with _lock:
            others = [other for other in self._named if other is not compiled]
            self._named = [compiled, *others[: MAX_NAMED - 1]]

    def serialize(
        self, context: Mapping[str, Any], *, mode: str = "template", request: HttpRequest | None = None
    ) -> dict[str, Any]:
        """``context`` with records in the place of what the template reads from the database.

        With ``mode="json"`` only what is read, JSON-safe. What is read below ``request`` and its user is planned.
        """
        check_mode(mode)
        compiled = self.named(context)
        for observer in observers:
            observer.serves(self.name, compiled.tree.files)
        result = dict(context)
        decided = compiled._decided(context, mode)
        for name, value in _offered(request).items() if mode != "json" else ():
            if name in compiled.roots and name not in context and not compiled._stores:
                outcome = compiled._served(
                    (name,), compiled.tree.roots[name], value, mode, frozenset(), of_nested
                )
                if outcome is not None:
                    self._made((name,), outcome, value)
        for names, outcome in decided:
            if outcome is not None:
                value = self._made(names, outcome, context[names[0]])
                result.update(dict.fromkeys(names, value))
        if mode == "json":
            # All of it once more: what stayed live, or was not planned, must not leave as it is.
            read_only: dict[str, Any] = safe(
                {name: result[name] for name in compiled.roots if name in result}
            )
            return read_only
        return result

    def explain(self, context: Mapping[str, Any]) -> Explanation:
        """What is read, planned and generated; no query is run."""
        live = {name: _instances_of(value) for name, value in context.items()}
        compiled = self.named(live)
        roots = [
            root
            for names, served in compiled._decided(live, "template")
            for root in _explained(" = ".join(names), served)
        ]
        return Explanation(self.name, compiled.tree, tuple(roots))

    def _decided(self, context: Mapping[str, Any], mode: str) -> list[tuple[Key, Served | None]]:
        """What becomes of each value that the template reads; all is decided before anything is run."""
        read = list(self._read(context))
        places = Counter(id(found) for names, node in read for found in held(node, context[names[0]]))
        shared = frozenset(found for found, count in places.items() if count > 1)
        decided = [
            (names, self._served(names, node, context[names[0]], mode, shared)) for names, node in read
        ]
        if self._stores and mode != "json":  # whatever is read ahead may be old when the page shows it
            return [(names, served and _left(served, context[names[0]])) for names, served in decided]
        return decided

    def _read(self, context: Mapping[str, Any]) -> Iterator[tuple[Key, PathNode]]:
        """The values that the template reads: a value under two names is one, read as both."""
        names: dict[int, list[str]] = {}
        for name in self.tree.roots:
            if name in context:
                names.setdefault(id(context[name]), []).append(name)
        for group in names.values():
            yield tuple(group), reduce(merge, (self.tree.roots[name] for name in group))

    def _served(
        self,
        names: Key,
        node: PathNode,
        value: Any,
        mode: str,
        shared: frozenset[int],
        serve: Callable[[Key, PathNode, Any, Serving], Served | None] = serve,
    ) -> Served | None:
        json = mode == "json"

        def find(
            key: Key, below: PathNode, model: type[Model], aliases: tuple[str, ...] = (), attrs: Attrs = ()
        ) -> Serializer:
            found = self._serializers.get((key, model, json, aliases, attrs))
            if found is None:
                found = compile_node(below, model, aliases=aliases, attrs=attrs, known=self._known)
                self._serializers[key, model, json, aliases, attrs] = found
                self._stores = self._stores or any(spec.stores for spec in found.spec.walk())
            return found

        escapes = any(
            read.reads is None or not set(names).isdisjoint(read.reads) for read in self.tree.context_reads
        )
        try:
            known = frozenset[int]() if json else shared
            how = Serving(find, serve, self._guarded, escapes and not json, json, known)
            return serve(names, node, value, how)
        except DjustAstError as error:
            decline(error, self.name)
            return None

    def _made(self, names: Key, outcome: Served, value: Any) -> Any:
        try:
            return outcome.value()
        except DjustAstError as error:
            decline(error, self.name)
            return value

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except DjustAstError as error:
            decline(error, self.name)

    def __repr__(self) -> str:
        return f"<CompiledTemplate {self.name}: {', '.join(self.roots) or 'reads nothing'}>"


def decline(error: DjustAstError, template: str | None) -> None:
    """Say once that plain Django serves, and why; with ``STRICT`` raise it."""
    text = f"{template or '<template>'} is served by plain Django: {error.summary}"
    for observer in observers:
        observer.declines(text)
    if settings().STRICT:
        raise error
    if text not in _said and len(_said) < 1_000:
        _said.add(text)
        logger.warning(text)


def _offered(request: HttpRequest | None) -> dict[str, Any]:
    """What Django's context processors add of a request, as far as it is there: the user may be lazy."""
    return {} if request is None else {"request": request, "user": vars(request).get("user")}


def _instances_of(value: Any) -> Any:
    return value._default_manager.all() if isinstance(value, type) and issubclass(value, Model) else value


def _left(served: Served, value: Any) -> Served:
    return Served(
        served.kind, lambda: value, reason="a property or method of the page writes to the database"
    )


def _explained(name: str, served: Served | None) -> Iterator[RootExplanation]:
    if served is None:
        yield RootExplanation(name, "value", "nothing in it to plan")
    elif served.parts:
        for part, inner in served.parts.items():
            yield from _explained(f"{name}.{part}", inner)
    elif served.compiled is None or served.queryset is None:
        yield RootExplanation(name, served.kind, served.reason, served.compiled)
    else:
        sql = sql_of(served.queryset), planned_sql(served.queryset, served.compiled.plan)
        yield RootExplanation(name, served.kind, served.reason, served.compiled, *sql)
