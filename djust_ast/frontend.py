"""From a Django template to its path tree: finds the sources through the engine's own loaders, never on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.template import Engine, Template, TemplateDoesNotExist, TemplateSyntaxError
from django.template.base import Origin
from django.template.loaders import cached

from djust_ast._extractor import ExtractError, Registry
from djust_ast._extractor import extract as extract_paths
from djust_ast.conf import settings
from djust_ast.errors import TemplateError
from djust_ast.paths import PathTree
from djust_ast.registry import lexer_is_patched, registry_for, stock_registry


@dataclass(slots=True)
class Sources:
    """What an engine's loaders serve, and what was taken from them: the proof that a tree is still true."""

    engine: Engine
    origins: list[Origin | None]
    taken: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)

    def resolve(self, name: str, skip: Sequence[int]) -> tuple[str, str] | None:
        """``(display name, source)`` of the template ``name``, or ``None``; the extractor's callback."""
        found = self._find(name, skip)
        if found is None:
            self.taken.append((name, tuple(skip), ""))
            return None
        source, origin = found
        self.origins.append(origin)
        self.taken.append((name, tuple(skip), source))
        return str(origin.template_name or name), source

    def unchanged(self) -> bool:
        """Whether the loaders still serve what was taken."""
        for name, skip, source in self.taken:
            found = self._find(name, skip)
            if (found[0] if found else "") != source:
                return False
        return True

    def _find(self, name: str, skip: Sequence[int]) -> tuple[str, Origin] | None:
        passed = [origin for index in skip if (origin := self.origins[index]) is not None]
        loaders: list[Any] = self.engine.template_loaders
        for loader in loaders:
            if isinstance(loader, cached.Loader):
                try:
                    template = loader.get_template(name, skip=passed)
                except (TemplateDoesNotExist, TemplateSyntaxError, UnicodeDecodeError):
                    continue
                return str(template.source), template.origin
            for origin in loader.get_template_sources(name):
                if origin in passed:
                    continue
                try:
                    return str(loader.get_contents(origin)), origin
                except (TemplateDoesNotExist, UnicodeDecodeError):
                    continue
        return None


def extract(source: str, *, name: str | None = None, engine: Engine | None = None) -> PathTree:
    """What the template ``source`` reads.

    With an ``engine`` its tags and filters are known and its loaders find parents and includes; without one,
    Django's own libraries are assumed, and what is included is unknown. A malformed template is a
    ``TemplateError`` with line, column and a caret.
    """
    if engine is None:
        return _extract(source, name, stock_registry(), None)
    return _extract(source, name, registry_for(engine), Sources(engine, [None]).resolve)


def read(template: Template) -> tuple[PathTree, Sources]:
    """What a compiled template reads, and the sources that took part."""
    if lexer_is_patched():
        raise TemplateError("the template lexer is not Django's own", template.name)
    source = str(template.source)
    if len(source) > settings().MAX_TEMPLATE_BYTES:
        raise TemplateError("the template is longer than MAX_TEMPLATE_BYTES", template.name)
    engine: Engine = template.engine
    sources = Sources(engine, [template.origin])
    return _extract(source, template.name, registry_for(engine), sources.resolve), sources


def local_paths(source: str, *, engine: Engine | None = None) -> PathTree:
    """As ``extract``, with the paths of loop variables and aliases under their own names in ``locals``."""
    if engine is None:
        return _extract(source, None, stock_registry(), None, local_names=True)
    return _extract(source, None, registry_for(engine), Sources(engine, [None]).resolve, local_names=True)


def _extract(
    source: str,
    name: str | None,
    registry: Registry,
    resolve: Callable[[str, list[int]], tuple[str, str] | None] | None,
    *,
    local_names: bool = False,
) -> PathTree:
    try:
        return PathTree(extract_paths(source, name, registry, resolve, locals=local_names).json())
    except ExtractError as error:
        raise template_error(*error.args) from None


def template_error(
    code: str, message: str, file: str | None, line: int, column: int, length: int, text: str
) -> TemplateError:
    """The extractor's error as ours."""
    return TemplateError(message, file, line, column, code=code, length=length, source_line=text)
