"""Follows expressions to the nodes that they read, through names, steps and filters.

The model is ``extractor/src/eval.rs``; the two say the same of every template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from djust_ast.nodewalk.expressions import CONSTANTS, Call, Expression, Operand
from djust_ast.nodewalk.limits import MAX_SEGMENTS
from djust_ast.nodewalk.locals import Locals
from djust_ast.nodewalk.scope import Scope
from djust_ast.nodewalk.tree import ARG, CMP, ESC, OUT, Place, Tree, TreeNode, Uses, Via
from djust_ast.nodewalk.value import NOTHING, Block, Group, Groups, Items, Part, Thing, Value, Whole

_SHOWS_PARTS = OUT | ESC | ARG
_SEES_PARTS = _SHOWS_PARTS | CMP

Where = Callable[[int, int], Place | None]
"""From an offset and a length in an expression's text to its place; ``None`` for what is not written there."""


class Machine:
    """The state of a walk that expressions see and change."""

    def __init__(self, *, local_names: bool = False) -> None:
        self.tree = Tree()
        self.scope = Scope()
        self.conditions = 0
        """How many conditions stand around what is walked."""
        self.too_long = False
        """Whether some path had more steps than a path may have."""
        self.locals = Locals() if local_names else None
        self._loops: list[set[TreeNode]] = []
        self._values: list[Value] = []
        self._kept: dict[Value, int] = {}

    # -- what expressions may stand for

    def eval(
        self,
        expression: Expression,
        where: Where | None = None,
        *,
        maybe: bool = False,
        lenient: bool = False,
    ) -> Value:
        """What an expression may stand for; its filters read what they read.

        If that is ``lenient``, nothing happens from the filter on that misses its argument.
        """
        value = self._operand(expression.head, where)
        for call in expression.calls:
            unsure = lenient and self._may_be_missing(call.argument)
            value = replace(value, maybe=True) if unsure and not value.maybe else value
            value = self._apply(value, call, where, maybe)
            maybe = maybe or unsure
        return value

    def name(self, name: str) -> Value:
        """What a name stands for."""
        value = self.scope.get(name)
        if value.unbound and name not in CONSTANTS:
            value = replace(value, maybe=value.maybe or bool(value.things))
            value = value.add(Whole(self.tree.root(name)))
        return replace(value, unbound=False) if value.unbound else value

    def step(self, value: Value, name: str, *, index: bool = False) -> Value:
        """What ``.name`` of a value may be."""
        found = NOTHING
        for thing in value.things:
            match thing:
                case Whole(node):
                    found = self._child(found, node, Via.INDEX if index else Via.ATTR, name)
                case Part(node) if index:
                    found = self._child(found, node, Via.ELEMENT, "")
                case Part(node):
                    found = self._child(found, node, Via.ATTR, name)
                case Items(element) if index:
                    found = found.absorb(self._values[element])
                case Groups(element, key) if index:
                    found = found.add(Group(element, key))
                case Group(_, key) if name in ("grouper", "0"):
                    found = found.absorb(self._values[key])
                case Group(element, _) if name in ("list", "1"):
                    found = found.add(Items(element))
                case _:
                    pass
        return self._found(found, value, None if index else name)

    def item(self, value: Value, index: int) -> Value:
        """What item number ``index`` of a value may be."""
        return self.step(value, str(index), index=True)

    def element(self, value: Value) -> Value:
        """What an element of a value may be."""
        found = NOTHING
        for thing in value.things:
            match thing:
                case Whole(node) | Part(node):
                    found = self._child(found, node, Via.ELEMENT, "")
                case Items(element):
                    found = found.absorb(self._values[element])
                case Groups(element, key):
                    found = found.add(Group(element, key))
                case Group(element, key):
                    found = found.absorb(self._values[key]).add(Items(element))
                case Block():
                    pass
        return self._found(found, value, None)

    def keep(self, value: Value) -> int:
        """A number by which a thing can refer to a value."""
        number = self._kept.setdefault(value, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number

    # -- what happens to values

    def consume(self, value: Value, uses: Uses, maybe: bool = False) -> None:
        """Note a use of a value itself."""
        maybe = maybe or value.maybe or self.conditions > 0
        if self.locals is not None:
            self.locals.read(value.locals)
        inner = dict.fromkeys(self._mark(value.things, uses, maybe))
        # What a list is made of shows when it is printed (with `repr`) or compared.
        inner_uses = ESC if uses & _SHOWS_PARTS else uses
        done = 0
        while done < len(inner):
            number = list(inner)[done]
            inner |= dict.fromkeys(self._mark(self._values[number].things, inner_uses, maybe))
            done += 1

    def label(self, value: Value, label: str) -> None:
        """Name the filter or tag that consumed a value."""
        for thing in value.things:
            if isinstance(thing, Whole | Part):
                thing.node.consume(label)

    def place(self, value: Value, place: Place) -> None:
        """Note where a value is written."""
        for thing in value.things:
            if isinstance(thing, Whole):
                thing.node.place(place)

    def bind_local(self, name: str, value: Value) -> None:
        """Bind a name that the template made."""
        if self.locals is not None:
            value = replace(value, locals=(*value.locals, self.locals.root(name)))
        self.scope.bind(name, value)

    @contextmanager
    def condition(self) -> Iterator[None]:
        """What is walked meanwhile may not happen."""
        self.conditions += 1
        yield
        self.conditions -= 1

    @contextmanager
    def without_locals(self) -> Iterator[None]:
        """What is read meanwhile is not a read of local names."""
        kept, self.locals = self.locals, None
        yield
        self.locals = kept

    @contextmanager
    def loop_over(self, element: Value) -> Iterator[None]:
        """A loop over such elements, which may be one over nothing."""
        nodes: set[TreeNode] = set()
        lists: dict[int, None] = {}
        things, done = list(element.things), 0
        while things or done < len(lists):
            if not things:
                things = list(self._values[list(lists)[done]].things)
                done += 1
            match things.pop() if things else None:
                case Whole(node) | Part(node):
                    nodes.add(node)
                case Items(number) | Group(number, _):
                    lists[number] = None
                case _:
                    pass
        self._loops.append(nodes)
        yield
        self._loops.pop()

    # -- inside

    def _operand(self, operand: Operand, where: Where | None) -> Value:
        if not operand.steps:
            return NOTHING
        value = self.name(operand.steps[0].name)
        for row, (name, index, end) in enumerate(operand.steps):
            if row:
                value = self.step(value, name, index=index)
            place = where(operand.start, end) if where is not None else None
            if place is not None:
                self.place(value, place)
        return value

    def _may_be_missing(self, argument: Operand) -> bool:
        """Whether the argument of a filter may not be there."""
        match argument.steps:
            case ():
                return False
            case (step,):
                is_bound = not self.scope.is_walled and not self.scope.get(step.name).unbound
                return step.name not in CONSTANTS and not is_bound
            case _:
                return True

    def _apply(self, value: Value, call: Call, where: Where | None, maybe: bool) -> Value:
        """What a filter may return."""
        self.label(value, call.label)
        if call.filter.input:
            self.consume(value, call.filter.input, maybe)
        argument = self._operand(call.argument, where)
        self.consume(argument, call.filter.argument, maybe)
        return call.filter.rule(self, value, call, argument, maybe)

    def _child(self, found: Value, node: TreeNode, via: Via, name: str) -> Value:
        if node.depth >= MAX_SEGMENTS:
            self.too_long = True
            return found
        return found.add(Whole(node.child(via, name)))

    def _found(self, found: Value, source: Value, name: str | None) -> Value:
        maybe = source.maybe or found.maybe or len(found.things) > 1
        if self.locals is None:
            return Value(found.things, found.unbound, maybe)
        below = source.locals if name is None else self.locals.below(source.locals, name)
        return Value(found.things, found.unbound, maybe, below)

    def _mark(self, things: tuple[Thing, ...], uses: Uses, maybe: bool) -> Iterator[int]:
        """Note a use of things; yields the values inside which it is one, too."""
        deep = bool(uses & _SEES_PARTS)
        for thing in things:
            match thing:
                case Whole(node) | Part(node):
                    self.tree.mark(node, uses, maybe or self._in_a_loop_over_others(node))
                case Items(element) if deep:
                    yield element
                case Groups(element, key) | Group(element, key) if deep:
                    yield element
                    yield key
                case _:
                    pass

    def _in_a_loop_over_others(self, node: TreeNode) -> bool:
        """Whether some loop around may not run at all although the node is there."""
        if not self._loops:
            return False
        above = set(node.lineage())
        return not all(elements & above for elements in self._loops)
