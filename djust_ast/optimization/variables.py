"""What a template reads, as plain lists."""

from __future__ import annotations

from collections.abc import Iterator

from djust_ast.frontend import local_paths
from djust_ast.paths import PathNode


def extract_template_variables(source: str) -> dict[str, list[str]]:
    """``{name: [dotted paths]}`` of the template ``source``, sorted, each once.

    A variable that is only printed has no paths. What is read of a loop variable stands under its own name and
    under what is looped over, which is a path itself unless it is a variable. A malformed template is a
    ``TemplateError`` with line, column and a caret.

    >>> extract_template_variables("{% for p in homes %}{{ p.owner.name }}{% endfor %}{{ title }}")
    {'homes': ['owner.name'], 'p': ['owner.name'], 'title': []}
    """
    tree = local_paths(source)
    found = {name: set(_paths(node)) for name, node in tree.roots.items()}
    for name, paths in tree.locals.items():
        found.setdefault(name, set()).update(paths)
    return {name: sorted(found[name]) for name in sorted(found)}


def _paths(node: PathNode, prefix: str = "") -> Iterator[str]:
    """Every path below ``node`` that is used: unlike ``PathTree.dotted``, also one that is only looped over."""
    if prefix and (node.uses or not (node.attrs or node.indexes or node.element)):
        yield prefix
    for name, child in node.attrs.items():
        yield from _paths(child, f"{prefix}.{name}" if prefix else name)
    for child in (*node.indexes.values(), *filter(None, (node.element,))):
        yield from _paths(child, prefix)
