"""What names stand for while a template is walked: Django's stack of context dicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from djust_ast.nodewalk.value import NOTHING, UNBOUND, Value


@dataclass(slots=True)
class _Binding:
    frame: int
    depth: int
    value: Value


@dataclass(slots=True)
class _Frame:
    id: int
    wall: bool
    names: list[str] = field(default_factory=list)


Outcome = dict[tuple[int, str], Value]
"""What a branch left behind: the names that it bound, by frame."""


class Scope:
    """The stack of scopes, with a log of writes so that branches can be undone and joined."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._bindings: dict[str, list[_Binding]] = {}
        self._log: list[tuple[int, str, Value]] = []
        self._serial = 0
        self.push()

    @property
    def depth(self) -> int:
        """How many scopes are open."""
        return len(self._frames)

    @property
    def is_walled(self) -> bool:
        """Whether outer names are hidden."""
        return any(frame.wall for frame in self._frames)

    def push(self, *, wall: bool = False) -> None:
        """Open a scope; through a ``wall`` nothing further out can be seen."""
        self._serial += 1
        self._frames.append(_Frame(self._serial, wall))

    def pop(self) -> None:
        """Close the innermost scope."""
        for name in self._frames.pop().names:
            self._bindings[name].pop()

    def get(self, name: str) -> Value:
        """What ``name`` may stand for; ``unbound`` if it may be a name of the context."""
        wall, found, first = self._wall(), NOTHING, True
        for binding in reversed(self._bindings.get(name, ())):
            if binding.depth < wall:
                break
            if binding.value != UNBOUND:
                if first or found == NOTHING:
                    found = binding.value
                else:
                    found = replace(found.merge(binding.value), maybe=True)
                if not binding.value.unbound:
                    return replace(found, unbound=False)
            first = False
        return replace(found, unbound=not self.is_walled)

    def bound_since(self, depth: int) -> Value:
        """Everything bound at ``depth`` or further in."""
        found = NOTHING
        for frame in self._frames[depth:]:
            for name in frame.names:
                for binding in self._bindings[name]:
                    if binding.depth >= depth:
                        found = found.merge(binding.value)
        return found

    def visible(self) -> Value:
        """Everything that can be seen behind the innermost wall."""
        return self.bound_since(self._wall())

    def bind(self, name: str, value: Value) -> None:
        """Bind a name in the innermost scope."""
        frame, stack = self._frames[-1], self._bindings.setdefault(name, [])
        if stack and stack[-1].frame == frame.id:
            before, stack[-1].value = stack[-1].value, value
        else:
            stack.append(_Binding(frame.id, len(self._frames) - 1, value))
            frame.names.append(name)
            before = UNBOUND
        self._log.append((frame.id, name, before))

    def bind_upward(self, name: str, value: Value) -> None:
        """Bind a name wherever it may be bound already, or else in the innermost scope.

        As ``Context.set_upward``; the name may keep what it stood for.
        """
        wall = self._wall()
        for binding in reversed(self._bindings.get(name, ())):
            if binding.depth < wall:
                break
            if binding.value.unbound and not binding.value.things:
                continue
            certain = not binding.value.unbound
            self._write(binding, name, value, unbound=binding.value.unbound)
            if certain:
                return
        if wall == 0 and len(self._frames) > 1:
            self._bind_outermost(name, value)
        self.bind(name, replace(self._innermost(name).merge(value), maybe=True))

    def mark(self) -> int:
        """A mark to which writes can be undone."""
        return len(self._log)

    def grown_since(self, mark: int) -> Iterable[str]:
        """The names that may stand for more than they did before what was written since ``mark``."""
        for frame, name, before in self._log[mark:]:
            binding = self._binding(frame, name)
            if binding is not None and not set(binding.value.things) <= set(before.things):
                yield name

    def undo(self, mark: int) -> Outcome:
        """Undo all writes since ``mark``; returns what they had led to."""
        outcome: Outcome = {}
        while len(self._log) > mark:
            frame, name, before = self._log.pop()
            binding = self._binding(frame, name)
            if binding is not None:
                outcome.setdefault((frame, name), binding.value)
                binding.value = before
        return outcome

    def join(self, outcomes: list[Outcome], *, certain: bool) -> None:
        """Make every name either of what the outcomes say and, unless one is certain, of what it is now."""
        for frame, name in dict.fromkeys(key for outcome in outcomes for key in outcome):
            binding = self._binding(frame, name)
            if binding is None:
                continue
            before = binding.value
            told = [outcome[frame, name] for outcome in outcomes if (frame, name) in outcome]
            if not certain or len(told) < len(outcomes):
                told.append(before)
            joined = told[0]
            for value in told[1:]:
                joined = joined.merge(value)
            if not joined.is_same(before):
                binding.value = joined
                self._log.append((frame, name, before))

    def _wall(self) -> int:
        return max((row for row, frame in enumerate(self._frames) if frame.wall), default=0)

    def _binding(self, frame: int, name: str) -> _Binding | None:
        stack = self._bindings.get(name, ())
        return next((binding for binding in reversed(stack) if binding.frame == frame), None)

    def _innermost(self, name: str) -> Value:
        binding = self._binding(self._frames[-1].id, name)
        return binding.value if binding is not None else UNBOUND

    def _bind_outermost(self, name: str, value: Value) -> None:
        """Bind a name that the context may have had from the start."""
        frame, stack = self._frames[0], self._bindings.setdefault(name, [])
        if not stack or stack[0].depth > 0:
            stack.insert(0, _Binding(frame.id, 0, UNBOUND))
            frame.names.append(name)
        self._write(stack[0], name, value, unbound=True)

    def _write(self, binding: _Binding, name: str, value: Value, *, unbound: bool) -> None:
        self._log.append((binding.frame, name, binding.value))
        binding.value = replace(binding.value.merge(value), unbound=unbound, maybe=True)
