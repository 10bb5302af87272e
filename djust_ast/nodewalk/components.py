"""Tags of packages that render templates of their own, as far as their nodes tell which, and what they hand to it.

Such a tag stays unknown: it lets go of everything. What its template reads is added, so that queries are planned
for it; where that is more than it really reads, only the plan is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.template import Node

from djust_ast.nodewalk.includes import include

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk


class Component(NamedTuple):
    """What a tag may render: the first of these templates, where names stand for expressions."""

    templates: list[str]
    binds: dict[str, Any]
    only: bool


def read_component(walk: Walk, node: Node, site: Site) -> None:
    """Read the template of a component, if this is one, as an include would."""
    kind = type(node)
    known = _TABLE.get(f"{kind.__module__}:{kind.__qualname__}")
    component = known(node, site) if known is not None else None
    found = [name for name in component.templates if walk.resolve(name)] if component is not None else []
    if component is not None and found:
        with walk.maybe():
            include(walk, site, None, found[0], component.binds, only=component.only)


def _cotton(node: Any, site: Site) -> Component | None:
    """``<c-card :lease="lease" />`` of django-cotton 2: what attributes say are names in ``cotton/card.html``."""
    name, attributes = getattr(node, "component_name", None), getattr(node, "attrs", None)
    if not isinstance(name, str) or not isinstance(attributes, dict):
        return None
    path = name.replace(".", "/")
    if getattr(settings, "COTTON_SNAKE_CASED_NAMES", True):
        path = path.replace("-", "_")
    stem = f"{getattr(settings, 'COTTON_DIR', 'cotton')}/{path}"
    binds = dict(_cotton_binds(attributes, site))
    return Component([f"{stem}.html", f"{stem}/index.html"], binds, bool(getattr(node, "only", False)))


def _cotton_binds(attributes: dict[Any, Any], site: Site) -> Iterator[tuple[str, Any]]:
    for key, value in attributes.items():
        if not isinstance(key, str) or not isinstance(value, str) or key.startswith("::"):
            continue
        if not key.startswith(":") and value[:1] in ("'", '"'):
            continue  # text, or what a template in it gives
        compiled = site.file.compile(value.strip("\"'"))
        if compiled is not None:
            yield key.lstrip(":").replace("-", "_"), compiled


_TABLE: dict[str, Callable[[Any, Site], Component | None]] = {
    "django_cotton.templatetags._component:CottonComponentNode": _cotton,
}
