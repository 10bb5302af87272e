"""The syntax of functions that are already loaded, read from their files."""

from __future__ import annotations

import ast
import inspect
import linecache
from copy import copy
from functools import cache, lru_cache
from types import CodeType, FunctionType

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


def same_code(definition: ast.FunctionDef, function: FunctionType) -> bool:
    """Whether ``definition`` compiles to the very code of ``function``: its file may be newer than what runs."""
    alone = copy(definition)
    alone.decorator_list, alone.returns, alone.args = [], None, _unannotated(definition.args)
    module = compile(ast.Module([alone], []), function.__code__.co_filename, "exec", dont_inherit=True)
    return any(
        isinstance(code, CodeType) and _essence(code) == _essence(function.__code__)
        for code in module.co_consts
    )


def _unannotated(arguments: ast.arguments) -> ast.arguments:
    alone = copy(arguments)
    alone.args = [ast.arg(item.arg, None, None, **_place(item)) for item in arguments.args]
    alone.defaults, alone.kw_defaults = [], [None for _ in arguments.kwonlyargs]
    return alone


def _place(item: ast.arg) -> dict[str, int]:
    return {"lineno": item.lineno, "col_offset": item.col_offset}


def _essence(code: CodeType) -> tuple[object, ...]:
    # By their repr(), for 1 equals True.
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, repr(code.co_consts), *names, code.co_argcount)
