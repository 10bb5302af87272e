"""A plan in words: what ``explain()`` prints."""

from __future__ import annotations

import ast
import dis
from dataclasses import dataclass
from io import StringIO

from djust_ast.paths import PathTree
from djust_ast.plans import GIVEN, outline
from djust_ast.serializer import Compiled


@dataclass(frozen=True, slots=True)
class RootExplanation:
    """What happens to one value of the context.

    ``compiled`` is ``None`` where the value passes as it is, for the ``reason`` given. ``before`` and ``after``
    are the SQL of the user's queryset and of the planned one.
    """

    name: str
    kind: str
    reason: str | None = None
    compiled: Compiled | None = None
    before: str | None = None
    after: tuple[str, ...] = ()

    @property
    def plan(self) -> str:
        """The plan in words."""
        head = f"{self.name}: {self.kind}"
        if self.compiled is None:
            return f"{head}, passed as it is: {self.reason}"
        lines = outline(self.compiled.spec, self.compiled.plan)
        return "\n  ".join([head, *lines])

    @property
    def queries(self) -> tuple[int, int]:
        """The least and the most queries; none for what loaded objects have already."""
        if self.compiled is None:
            return 0, 0
        low, high = self.compiled.plan.queries
        return (0, high - 1) if self.compiled.plan.reason == GIVEN.rows else (low, high)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What djust_ast reads, plans and generates for a template; ``str()`` prints all of it."""

    template: str
    tree: PathTree
    roots: tuple[RootExplanation, ...]

    @property
    def paths(self) -> str:
        """The path tree, one line a node."""
        return str(self.tree)

    @property
    def warnings(self) -> str:
        """What could not be known of the template, each with the line and a caret."""
        return "\n\n".join(found.render() for found in self.tree.diagnostics)

    @property
    def plan(self) -> str:
        """The plan of every value of the context."""
        lines = [root.plan for root in self.roots]
        lines += [
            f"{{% {dep.kind} {dep.expression} %}} is {dep.name!r} ({dep.where})"
            if dep.name
            else f"{{% {dep.kind} {dep.expression} %}} is not known: {dep.reason or 'no context'} ({dep.where})"
            for dep in self.tree.deps
            if dep.expression
        ]
        lines += [
            f"{{% {read.tag} %}} may read anything: every value stays live ({read.where})"
            for read in self.tree.context_reads
            if read.reads is None
        ]
        return "\n".join(lines)

    @property
    def sql(self) -> str:
        """The SQL of plain Django's query and of ours, for every queryset."""
        parts = []
        for root in self.roots:
            if root.before:
                parts.append(f"-- {root.name}: plain Django\n{root.before}")
                parts += [f"-- {root.name}: planned\n{statement}" for statement in root.after]
        return "\n\n".join(parts)

    @property
    def source(self) -> str:
        """The generated source of every value that is serialized."""
        return "\n\n".join(f"# {root.name}\n{root.compiled.sources}" for root in self.roots if root.compiled)

    @property
    def ast(self) -> str:
        """The generated trees, as ``ast.dump`` prints them."""
        return "\n\n".join(
            ast.dump(root.compiled.emitted.tree, indent=2) for root in self.roots if root.compiled
        )

    @property
    def bytecode(self) -> str:
        """What Python's compiler made of the generated trees, disassembled, functions inside included."""
        text = StringIO()
        for root in self.roots:
            if root.compiled:
                text.write(f"# {root.name}\n")
                dis.dis(root.compiled.function, file=text)
        return text.getvalue()

    @property
    def queries(self) -> tuple[int, int]:
        """The least and the most queries of one page: the most if every branch renders and no relation of a
        loaded object is loaded.

        A level counts as one, as long as its parents fit into one query (500 with Django 5.2 on SQLite), and so does
        a generic foreign key, for each type of object.
        """
        counts = [root.queries for root in self.roots]
        return sum(low for low, _ in counts), sum(high for _, high in counts)

    def __str__(self) -> str:
        low, high = self.queries
        promise = str(low) if low == high else f"{low} to {high}"
        promise += " query" if high == 1 else " queries"
        parts = {
            "paths": self.paths,
            "warnings": self.warnings,
            "plan": self.plan,
            "sql": self.sql,
            "source": self.source,
        }
        body = "\n\n".join(f"== {title}\n{text}" for title, text in parts.items() if text)
        return f"{self.template}: {promise}\n\n{body}\n"
