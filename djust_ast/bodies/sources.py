"""The syntax of functions that are already loaded, read from their files."""

from __future__ import annotations

import ast
import inspect
import linecache
from functools import cache, lru_cache
from types import FunctionType

Definition = ast.FunctionDef | ast.Lambda


@lru_cache(maxsize=4096)
def definition_of(function: FunctionType) -> Definition | None:
    """The definition of ``function``; ``None`` where there is no source, or it is not certain which one it is."""
    code = function.__code__
    found = [
        node
        for node in _definitions(code.co_filename).get((code.co_name, code.co_firstlineno), ())
        if _parameters(node) == code.co_varnames[: len(_parameters(node))]
    ]
    return found[0] if len(found) == 1 else None


@cache
def _definitions(file: str) -> dict[tuple[str, int], list[Definition]]:
    """The functions of a file by name and first line, decorators included, as code objects have them."""
    found: dict[tuple[str, int], list[Definition]] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault((node.name, line), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


def _parameters(node: Definition) -> tuple[str, ...]:
    arguments = node.args
    names = [item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [item.arg for item in (arguments.vararg, arguments.kwarg) if item is not None]
    return tuple(names)


def is_generator(function: FunctionType) -> bool:
    """Whether calling it gives what it yields."""
    return inspect.isgeneratorfunction(function)
