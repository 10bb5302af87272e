"""Your template is the query.

``djust_ast`` reads from a Django template which fields of which objects a page needs, plans the SQL, compiles a
serializer for exactly those fields, and hands the template plain data: the page stays byte for byte the same.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djust_ast.compiler import compile_paths
    from djust_ast.frontend import extract
    from djust_ast.hints import reads
    from djust_ast.integrations.context import compile_template, explain, serialize_context
    from djust_ast.tagspecs import register_filter_spec, register_tag_spec

__version__ = version("djust-ast")
__all__ = [
    "compile_paths",
    "compile_template",
    "explain",
    "extract",
    "reads",
    "register_filter_spec",
    "register_tag_spec",
    "serialize_context",
]

# Loaded at first use: this module is imported while Django's app registry is being filled.
_HOMES = {
    "compile_paths": "djust_ast.compiler",
    "extract": "djust_ast.frontend",
    "reads": "djust_ast.hints",
    "compile_template": "djust_ast.integrations.context",
    "explain": "djust_ast.integrations.context",
    "serialize_context": "djust_ast.integrations.context",
    "register_filter_spec": "djust_ast.tagspecs",
    "register_tag_spec": "djust_ast.tagspecs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'djust_ast' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
