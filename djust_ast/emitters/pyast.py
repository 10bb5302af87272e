"""The ``ast`` emitter: one function for a whole list, nested displays, every relation read once.

Names that come from a template or a model enter the tree as string constants only, never as text and never as
identifiers. Every node carries the position of the template expression that asked for it.
"""

from __future__ import annotations

import ast

from djust_ast.emitters import Emitted, function_name, paths_of
from djust_ast.emitters.instances import InstanceWriter
from djust_ast.emitters.rows import RowWriter
from djust_ast.plans import QueryPlan
from djust_ast.specs import SerializerSpec


class AstEmitter:
    """Python's own ``ast``, compiled by Python's own compiler."""

    def emit(self, spec: SerializerSpec, plan: QueryPlan) -> Emitted:
        """The serializer of ``spec`` over what ``plan`` fetches, with the template's name as its file name."""
        name = function_name(spec.model.__name__, paths_of(spec))
        writer = (RowWriter if plan.route == "rows" else InstanceWriter)(spec)
        writer.function(name, spec, plan)
        tree = ast.Module(body=writer.functions, type_ignores=[])
        return Emitted(name, compile(tree, writer.file, "exec"), tree, writer.namespace)
