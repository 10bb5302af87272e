"""The pipeline, function by function: what a template reads, what that means for a query, code for it.

Each function is a thin door to the same passes that ``serialize_context`` runs::

    paths = extract_template_variables(source)["lease"]
    queryset = optimize_queryset(Lease.objects.all(), analyze_queryset_optimization(Lease, paths))
    code = generate_serializer_code("Lease", paths, "serialize_lease")
    serialize = compile_serializer(code, "serialize_lease")
    leases = [serialize(lease) for lease in queryset]
"""

from djust_ast.optimization.cache import SerializerCache
from djust_ast.optimization.code import compile_serializer, generate_serializer_code, get_serializer_source
from djust_ast.optimization.queries import (
    QueryOptimization,
    analyze_queryset_optimization,
    optimize_queryset,
)
from djust_ast.optimization.variables import extract_template_variables

__all__ = [
    "QueryOptimization",
    "SerializerCache",
    "analyze_queryset_optimization",
    "compile_serializer",
    "extract_template_variables",
    "generate_serializer_code",
    "get_serializer_source",
    "optimize_queryset",
]
