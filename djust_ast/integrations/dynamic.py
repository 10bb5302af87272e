"""What a template reads with the templates that one context names for its dynamic includes and parents."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static

from djust_ast.bodies import changes
from djust_ast.choices import Answer, Question, dotted
from djust_ast.frontend import Sources, read_again
from djust_ast.integrations.names import Names, index_of
from djust_ast.integrations.sharing import SLOTS, VIEWS
from djust_ast.paths import PathNode, PathTree

_CHANGING = frozenset(
    {"clear", "pop", "popitem", "reverse", "sort"}
)  # what templates can call on dicts and lists


def answered(sources: Sources, names: Names) -> tuple[PathTree, Sources]:
    """What a template reads with the names of a context, where the page itself cannot change them."""
    refused: dict[Question, str] = {}

    def ask(question: Question) -> Answer:
        return Answer(why=refused[question]) if question in refused else names(question)

    while True:
        tree, taken = read_again(sources, ask)
        found = {
            question: why
            for question, answer in taken.asked.items()
            if question not in refused and not answer.why and (why := changing(tree, question, answer))
        }
        if not found:
            taken.asked = {question: names(question) for question in taken.asked}
            return tree, taken
        refused |= found


def changing(tree: PathTree, question: Question, answer: Answer) -> str | None:
    """Why the page may change the values that a name is made of while it renders."""
    if not question.paths:
        return None
    if tree.takers:
        return f"the tag '{tree.takers[0]}' takes the context, and may set a name"
    names = {name for node in tree.roots.values() for name in _names(node)}
    for name in sorted(names):
        if name in _CHANGING:
            return f"the template reads '.{name}', which may change a value"
        for owner in answer.owners:
            if not isinstance(getattr_static(owner, name, None), SLOTS) and changes(owner, name, inside=True):
                return f"{owner.__name__}.{name} may change its object"
    twins = [(twin, *path[1:]) for path in question.paths for root, twin in answer.twins if root == path[0]]
    for path in (*question.paths, *twins):
        node = tree.roots.get(str(path[0]))
        for end in range(1, len(path) + 1):
            if node is None and path in twins:
                break
            if node is None or "esc" in node.uses:
                return f"{dotted(path[:end])} is handed to code that may change it"
            following = path[end] if end < len(path) else ""
            if end < len(path) and any(map(escapes, _doubles(node, following))):
                return f"a part of {dotted(path[:end])} is handed to code that may change it"
            node = _child(node, following)
    return None


def _child(node: PathNode, step: str | None) -> PathNode | None:
    return node.element if step is None else node.indexes.get(step) or node.attrs.get(step)


def _doubles(node: PathNode, step: str | None) -> Iterator[PathNode]:
    """Other ways from ``node`` to what ``step`` leads to: an element may be had by its number, a key as a value."""
    own = _child(node, step)
    ways = [node.attrs.get(name) for name in (*VIEWS, "first", "last")]
    if step is None or index_of(step) is not None or step in VIEWS:
        ways += [node.element, *node.indexes.values()]
    return (way for way in ways if way is not None and way is not own)


def _inside(node: PathNode) -> Iterator[PathNode]:
    yield from (*node.attrs.values(), *node.indexes.values())
    if node.element is not None:
        yield node.element


def _names(node: PathNode) -> Iterator[str]:
    yield from node.attrs
    for child in _inside(node):
        yield from _names(child)


def escapes(node: PathNode) -> bool:
    """Whether code that is not known gets to see the value, or a part of it."""
    return "esc" in node.uses or any(map(escapes, _inside(node)))
