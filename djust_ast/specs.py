"""What a path tree means for a model: the bound tree, from which the plan and the code both derive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Field, Model

from djust_ast.bodies.pure import Expression
from djust_ast.paths import PathNode, Position
from djust_ast.relations import Relation

# What a template may do to an object without being able to tell a record from it.
ENTERED = frozenset({"bool"})  # a non-empty dict is as true as an instance
PRINTED = frozenset({"bool", "out", "cmp"})  # answered by a record that knows its instance
SPEAKS = frozenset({"out", "arg", "esc"})  # may run its ``__str__``


@dataclass(frozen=True, slots=True)
class Column:
    """A concrete column, under the ``name`` that the template uses for it."""

    name: str
    field: Field[Any, Any]
    where: Position | None = None

    @property
    def attname(self) -> str:
        """Where an instance keeps it, and what ``values_list`` calls it."""
        return self.field.attname


@dataclass(frozen=True, slots=True)
class Alias:
    """An annotation of the queryset, under its own name."""

    name: str
    where: Position | None = None

    @property
    def attname(self) -> str:
        """Where an instance keeps it, and what ``values_list`` calls it."""
        return self.name


@dataclass(frozen=True, slots=True)
class Inlined:
    """A ``get_FOO_display`` whose labels are compiled in."""

    name: str
    field: Field[Any, Any]
    labels: tuple[tuple[Any, Any], ...]
    where: Position | None = None

    @property
    def attname(self) -> str:
        """The column with the choice."""
        return self.field.attname


@dataclass(frozen=True, slots=True)
class Related:
    """A to-one relation, with the spec of the other side.

    ``conditional``: only branches read it. ``quiet``: only the bodies of properties and methods do, so it is
    planned but not part of the record. ``known``: the other side is the object that we came from.
    """

    name: str
    relation: Relation
    spec: SerializerSpec
    conditional: bool = False
    where: Position | None = None
    quiet: bool = False
    known: bool = False

    @property
    def keys_only(self) -> bool:
        """Whether our own foreign key column already holds all that is read (``{{ lease.tenant.pk }}``)."""
        relation = self.relation
        if relation.reverse or relation.refusal is not None:
            return False
        for m in self.spec.members:
            if not isinstance(m, Column) or m.field.attname != relation.remote:
                return False
        return bool(self.spec.members) and not self.spec.needs_instance


@dataclass(frozen=True, slots=True)
class Many:
    """The rows of a related manager, read through ``via`` (``"all"``, or ``""``: under the name itself).

    ``sliced``: the template takes some of them, by their order. ``asks``: what else it asks of the manager,
    ``count`` and ``exists``, which the rows answer.
    """

    name: str
    relation: Relation
    via: str
    spec: SerializerSpec
    lazy: bool = False
    where: Position | None = None
    sliced: bool = False
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """Some rows of a related manager: its ``first`` or ``last``, or ``top`` of ``all``."""

    via: str
    spec: SerializerSpec
    top: int = 1
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A related manager whose rows are not looped over: one query answers for all parents.

    ``asks`` are ``count``, ``exists`` and the size of ``all``, as far as they are asked; each of the ``picks`` has
    a query of its own.
    """

    name: str
    relation: Relation
    asks: tuple[str, ...]
    lazy: bool = False
    where: Position | None = None
    picks: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Targets:
    """The other side of a generic foreign key: objects of any model, of which ``node`` is read."""

    name: str
    relation: Relation
    node: PathNode


@dataclass(frozen=True, slots=True)
class Computed:
    """Whatever Django finds under ``name`` on the live object: property, method, manager, annotation.

    ``rows``: the related manager or generic key that it is, when it is worth fetching for all siblings at once.
    ``quiet``: only the bodies of properties and methods read it. ``changes``: what a template calls on its rows may
    change the object that they belong to. ``expression``: what it gives, told from columns alone, so that rows can
    say it; an instance answers for itself.
    """

    name: str
    where: Position | None = None
    rows: Many | Counted | Targets | None = None
    quiet: bool = False
    changes: bool = False
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that the class does not have; the instance may."""

    name: str
    where: Position | None = None
    quiet: bool = False


SpecMember = Column | Alias | Inlined | Related | Many | Counted | Computed | Missing
_ASKED = (Computed, Missing)  # of the instance
_MAYBE_QUIET = (Related, Computed, Missing)


@dataclass(frozen=True, slots=True)
class Columns:
    """What is read of the columns of an object (attribute names).

    ``read`` is all that is known, ``surely`` what no branch decides. ``closed``: there is no more than that.
    """

    read: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    closed: bool = True


@dataclass(frozen=True, slots=True)
class SerializerSpec:
    """What is read of one object of ``model``.

    ``uses`` are the uses of the object itself. ``live`` says why it must stay the live object, or is ``None``.
    ``spoken`` are the members that the record has, or leaves to its instance; the rest only bodies read.
    ``anchored``: some key is there whatever the data, so that the dict is as true as the instance. ``changed``:
    a body may change what the object holds, ``kept``: it may leave a trace in it, a cached value among them.
    ``unseen``: code runs on it that may read more than is told. ``columns`` says what columns it must have.
    ``stores``: a body writes to the database.
    """

    model: type[Model]
    members: tuple[SpecMember, ...]
    uses: frozenset[str] = frozenset()
    live: str | None = None
    where: Position | None = None
    changed: bool = False
    kept: bool = False
    unseen: bool = False
    columns: Columns = field(default_factory=lambda: Columns(closed=False))
    stores: bool = False
    spoken: tuple[SpecMember, ...] = field(init=False, compare=False, repr=False)
    anchored: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        spoken = tuple([m for m in self.members if not (isinstance(m, _MAYBE_QUIET) and m.quiet)])
        anchored = any(not (isinstance(m, Related) and m.relation.missing) for m in spoken)
        object.__setattr__(self, "spoken", spoken)
        object.__setattr__(self, "anchored", anchored)

    @property
    def needs_instance(self) -> bool:
        """Whether a record of it must know its instance."""
        if self.live is not None or self.changed or not self.uses <= ENTERED:
            return True
        return any(map(_needs_instance, self.members))

    @property
    def asks_instance(self) -> bool:
        """Whether a record of an instance asks it for more than was read ahead."""
        return self.needs_instance or any(isinstance(m, _ASKED) and not m.quiet for m in self.members)

    @property
    def pk(self) -> str:
        """The attribute that holds the primary key."""
        pk = self.model._meta.pk
        return pk.attname if pk is not None else "pk"

    def walk(self) -> Iterator[SerializerSpec]:
        """This spec and every spec below it."""
        yield self
        for m in self.members:
            if isinstance(m, Related | Many):
                yield from m.spec.walk()
            elif isinstance(m, Computed) and isinstance(m.rows, Many):
                yield from m.rows.spec.walk()
            elif isinstance(counted := m.rows if isinstance(m, Computed) else m, Counted):
                for pick in counted.picks:
                    yield from pick.spec.walk()


def _needs_instance(m: SpecMember) -> bool:
    return isinstance(m, _ASKED) and not m.quiet and not (isinstance(m, Computed) and m.expression)
