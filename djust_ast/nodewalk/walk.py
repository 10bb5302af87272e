"""Walks compiled templates, their parents and what they include, and collects what they read.

The model is ``extractor/src/link.rs``: the same scopes, the same order, the same words in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.template import Node, NodeList
from django.template.defaulttags import LoadNode

from djust_ast.nodewalk import limits, tags
from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.files import File, Loaded, Site
from djust_ast.nodewalk.limits import Limits
from djust_ast.nodewalk.lineage import Chain, enter, lineage_of, run_super
from djust_ast.nodewalk.machine import Machine
from djust_ast.nodewalk.scope import Outcome
from djust_ast.nodewalk.tree import ESC, ITER, LEN, NONE, Place, Uses
from djust_ast.nodewalk.value import NOTHING, Value

_ROUNDS = 3  # how often a loop is walked until its names stand for all that they may
_MAX_ROUNDS = 200  # how often all loops together are: nested loops multiply


Load = Callable[[str, Sequence[int]], Loaded | None]
"""What there is for a name, if files with these numbers do not count."""


class Active(NamedTuple):
    """A template or partial that is being walked, and how many scopes were open before."""

    file: File
    partial: str | None
    depth: int


class Walk:
    """The state of a walk; the functions for each class of nodes see all of it."""

    def __init__(self, load: Load | None, limits: Limits, *, local_names: bool = False) -> None:
        self.limits = limits
        self.machine = Machine(local_names=local_names)
        self.files: list[File] = []
        self.dependencies: list[dict[str, Any]] = []
        self.context_reads: list[dict[str, Any]] = []
        self.diagnostics: list[dict[str, Any]] = []
        self.unknown: dict[str, None] = {}
        self.libraries: dict[str, None] = {}
        self.chains = [Chain()]
        self.chain = 0
        self.active: list[Active] = []
        self.repeated = False
        """Whether the node that is being walked stands elsewhere, too, and was walked there first."""
        self._load = load
        self._resolved: dict[tuple[str, tuple[int, ...]], File | None] = {}
        self._noted: set[tuple[str, int, int]] = set()
        self._first: dict[int, tuple[int, int]] = {}
        self._steps = 0
        self._rounds = 0

    # -- templates

    def start(self, entry: Loaded) -> None:
        """Walk a template and all that it needs."""
        file = self._add(entry)
        self.active.append(Active(file, None, 0))
        enter(self, lineage_of(self, file))

    def open(self, file: File) -> None:
        """Note what a file loads and does not tell; refuse it if Django could not compile it."""
        file.check(self.limits)
        for node in file.all_nodes():
            site = file.site(node.token)
            if tags.is_unknown(node, site) and site.command:
                self.unknown[site.command] = None
            elif isinstance(node, LoadNode) and site.token is not None:
                bits = site.token.contents.split()[1:]
                is_from = len(bits) > 2 and bits[-2] == "from"
                self.libraries |= dict.fromkeys(bits[-1:] if is_from else bits)

    def resolve(self, name: str, skip: Sequence[int] = ()) -> File | None:
        """The file of a template."""
        key = name, tuple(skip)
        if key not in self._resolved:
            found = self._load(name, skip) if self._load is not None else None
            self._resolved[key] = self._add(found) if found is not None else None
        return self._resolved[key]

    @contextmanager
    def entered(self, file: File, partial: str | None, depth: int | None = None) -> Iterator[None]:
        """While a template or partial is walked; ``depth`` scopes were open before."""
        opened = self.machine.scope.depth if depth is None else depth
        self.active.append(Active(file, partial, opened))
        yield
        self.active.pop()

    def is_third_time(self, file: File, partial: str | None) -> bool:
        """Whether a template or partial is inside itself already."""
        return sum((known.file, known.partial) == (file, partial) for known in self.active) > 1

    def cut(self, file: File, partial: str | None) -> None:
        """Let go of every name bound since a template was entered: deeper rounds read on from there."""
        depths = [known.depth for known in self.active if (known.file, known.partial) == (file, partial)]
        self.machine.consume(self.machine.scope.bound_since(depths[-1]), ESC, True)

    def _add(self, loaded: Loaded) -> File:
        file = File(len(self.files), loaded)
        self.files.append(file)
        return file

    # -- nodes

    def nodes(self, file: File, nodes: Iterable[Node]) -> None:
        """Walk nodes in their order."""
        for row, node in enumerate(nodes):
            here = id(nodes), row
            self.repeated = self._first.setdefault(id(node), here) != here
            site = file.site(node.token)
            tags.handler_of(node, site)(self, node, site)
            self._check_limits(site)

    def _check_limits(self, site: Site) -> None:
        self._steps += 1
        if self.machine.too_long:
            message = f"a path has more than {limits.MAX_SEGMENTS} steps"
            raise limits.RefusedError(limits.TOO_LONG_PATH, message, site.place)
        if self.machine.tree.reads > self.limits.paths:
            message = f"more than {self.limits.paths} values are read"
            raise limits.RefusedError(limits.TOO_MANY_PATHS, message, site.place)
        if self._steps > limits.MAX_STEPS:
            raise limits.RefusedError(limits.TOO_MUCH_WORK, "the template renders too many parts", site.place)

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """What is walked meanwhile may not render."""
        mark = self.machine.scope.mark()
        with self.machine.condition():
            yield
        self.machine.scope.join([self.machine.scope.undo(mark)], certain=False)

    def again(self, *bodies: Callable[[], None]) -> None:
        """Walk what may render in any order, and more than once, as often as it changes what names may stand for."""
        scope, carried = self.machine.scope, True
        with self.machine.condition():
            for number in range(_ROUNDS):
                self._rounds += bool(number)
                mark = scope.mark()
                for body in bodies:
                    with self.maybe():
                        body()
                scope.join([scope.undo(mark)], certain=False)
                carried = any(True for _ in scope.grown_since(mark))
                if not carried or self._rounds >= _MAX_ROUNDS:
                    break
        if carried:
            self.machine.consume(scope.bound_since(0), ESC, True)

    def branches(
        self, file: File, arms: Sequence[tuple[Callable[[], None], NodeList]], *, certain: bool
    ) -> None:
        """Walk arms of which at most one renders, or exactly one if that is ``certain``, each after its reads."""
        (read, _), *_ = arms
        read()
        scope, outcomes = self.machine.scope, list[Outcome]()
        mark = scope.mark()
        with self.machine.condition():
            for row, (read, nodes) in enumerate(arms):
                if row:
                    read()
                self.nodes(file, nodes)
                outcomes.append(scope.undo(mark))
        scope.join(outcomes, certain=certain)

    def loop(self, site: Site, names: Sequence[str], sequence: Any, body: Callable[[], None]) -> None:
        """Walk a loop as often as its body changes what its names may stand for."""
        machine, scope = self.machine, self.machine.scope
        value = self.eval(site, sequence)
        machine.consume(value, LEN | ITER)
        element = machine.element(value)
        # The loop reads its elements even if the body reads nothing of them; that is no read of the local name.
        with machine.without_locals():
            machine.consume(element, ITER if len(names) > 1 else NONE)
        scope.push()
        with machine.loop_over(element):
            carried = self._go_round(names, element, body)
        if carried:
            machine.consume(scope.bound_since(0), ESC, True)
        scope.pop()

    def _go_round(self, names: Sequence[str], element: Value, body: Callable[[], None]) -> bool:
        """Walk the body of a loop; returns whether its names might stand for still more."""
        machine, scope = self.machine, self.machine.scope
        for number in range(_ROUNDS):
            self._rounds += bool(number)
            mark = scope.mark()
            scope.bind("forloop", NOTHING)
            for row, name in enumerate(names):
                machine.bind_local(name, machine.item(element, row) if len(names) > 1 else element)
            body()
            scope.join([scope.undo(mark)], certain=False)
            carried = any(name not in names for name in scope.grown_since(mark))
            if not carried or self._rounds >= _MAX_ROUNDS:
                return carried
        return True

    # -- expressions

    def eval(
        self,
        site: Site,
        compiled: Any,
        *,
        maybe: bool = False,
        lenient: bool = False,
        skip: int = 0,
        after: int | None = None,
    ) -> Value:
        """What an expression may stand for; ``skip`` and ``after`` are those of ``File.where``."""
        expression = expression_of(compiled)
        for operand in (expression.head, *(call.argument for call in expression.calls)):
            if any(step.name == "super" for step in operand.steps[1:]):
                run_super(self, operand.steps[0].name)
        where = site.file.where(site.token, expression.source, skip=skip, after=after)
        return self.machine.eval(expression, where, maybe=maybe, lenient=lenient)

    def read(self, site: Site, compiled: Any, uses: Uses, *, maybe: bool = False, skip: int = 0) -> None:
        """Note a read of an expression; ``maybe`` if an operand before it decides whether it is read."""
        self.machine.consume(self.eval(site, compiled, maybe=maybe, skip=skip), uses, maybe)

    def escape(self, site: Site, compiled: Any, tag: str) -> None:
        """Hand an expression to code that we do not know."""
        value = self.eval(site, compiled)
        self.machine.consume(value, ESC)
        self.machine.label(value, tag)

    def read_key(self, site: Site, name: str, uses: Uses, place: Place) -> None:
        """Read a name of the context as it stands, dots and all."""
        value = self.machine.name(name)
        self.machine.place(value, place)
        self.machine.consume(value, uses)

    def assign(self, name: str | None) -> None:
        """Bind a name, if there is one, to a value of no interest."""
        if name:
            self.machine.bind_local(name, NOTHING)

    @contextmanager
    def scoped(self, site: Site, binds: Mapping[str, Any], *, wall: bool = False) -> Iterator[None]:
        """A scope in which names stand for expressions, all evaluated outside of it."""
        values = {name: self.eval(site, compiled) for name, compiled in binds.items()}
        # Django looks the values up even if nothing reads the names; what only that does is not sure to be wanted.
        with self.machine.without_locals():
            for value in values.values():
                self.machine.consume(value, NONE, True)
        self.machine.scope.push(wall=wall)
        for name, value in values.items():
            self.machine.bind_local(name, value)
        yield
        self.machine.scope.pop()

    # -- notes

    def escape_context(self, site: Site, tag: str, reads: Sequence[str] | None) -> None:
        """Note that code may read names of the context; behind a wall it only sees what was handed in."""
        machine = self.machine
        if reads is None and machine.scope.is_walled:
            machine.consume(machine.scope.visible(), ESC)
        for name in reads or ():
            value = machine.name(name)
            machine.consume(value, ESC)
            machine.label(value, tag)
        if reads != [] and not machine.scope.is_walled and self.is_new("context", site):
            told = "*" if reads is None else list(reads)
            self.context_reads.append({"tag": tag, "reads": told, "at": site.place})

    def depend(self, site: Site, kind: str, name: str | None, **more: Any) -> None:
        """Note a template that this one needs."""
        if self.is_new(f"{kind} {name}", site):
            known = {key: value for key, value in more.items() if value}
            self.dependencies.append({"kind": kind, "name": name, **known, "at": site.place})

    def warn(self, site: Site, code: str, message: str, *, severity: str = "warn") -> None:
        """Note something worth knowing that does not stop the walk."""
        if self.is_new(code, site):
            self.diagnose(severity, code, message, site.place)

    def diagnose(self, severity: str, code: str, message: str, place: Place) -> None:
        """Note a diagnostic."""
        if len(self.diagnostics) < limits.MAX_WARNINGS:
            known = {"sev": severity, "code": code, "msg": message, "at": place}
            self.diagnostics.append(known | self.files[place[0]].excerpt(place))

    def is_new(self, kind: str, site: Site) -> bool:
        """Whether nothing of this kind was noted there."""
        key = kind, site.file.number, id(site.token)
        if key in self._noted:
            return False
        self._noted.add(key)
        return True
