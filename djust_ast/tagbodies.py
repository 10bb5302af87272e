"""What the function of a tag reads of the context that it takes, by its source, and whether it may set names."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple

_STATE = frozenset(
    {"autoescape", "render_context", "request", "template", "template_name", "use_l10n", "use_tz"}
)
"""Attributes of a context that are no variables of it."""
_SHARED = frozenset({"render_context", "request"})
"""Those that a page may have under a name, too, so that a change to them may be one of that."""
_WRITE = ""
"""What a write stands for among the names that are read."""
_WRITES = frozenset({"pop", "push", "set_upward", "update"})
"""Methods of a context that read nothing as long as nobody looks at what they return."""
_SCOPES = frozenset({"push", "update"})
"""Those of them whose result, as a context manager, takes back what they did."""
_READS = frozenset({"get", "setdefault"})
_ANY = frozenset({"dir", "eval", "exec", "globals", "locals", "vars"})
"""Functions that may find the context without its name."""
_TELLING = (ast.Subscript, ast.Compare, ast.Call, ast.Expr, ast.withitem, ast.Attribute)
_MAX_DEPTH = 6


class _OpaqueError(Exception):
    """The function may read anything."""


class ContextUse(NamedTuple):
    """The names that are read, or ``None`` for any, and whether a name may be something else after it."""

    reads: list[str] | None
    writes: bool


def context_use(function: Any) -> ContextUse:
    """Return what a function does with its first argument, a context."""
    try:
        found = _reads(function, 0, None, 0)
    except _OpaqueError:
        return ContextUse(None, True)
    return ContextUse(sorted(found - {_WRITE}), _WRITE in found)


def context_reads(function: Any) -> list[str] | None:
    """Return the names that a function reads from its first argument, a context, or ``None`` if it may read any.

    ``context["name"]``, ``context.get("name")`` and ``"name" in context`` with a constant can be told, also in
    plain functions that the context is handed to, and in what a decorator wraps if it hands its arguments on.
    """
    return context_use(function).reads


def _reads(function: Any, position: int, keyword: str | None, depth: int) -> frozenset[str]:
    """Return what a function reads of the argument at ``position``, or called ``keyword``."""
    if not isinstance(function, FunctionType) or depth > _MAX_DEPTH:
        raise _OpaqueError
    definition = _definition(function.__code__)
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if keyword is not None:
        names = [
            argument.arg for argument in (*arguments.args, *arguments.kwonlyargs) if argument.arg == keyword
        ]
    else:
        names = [argument.arg for argument in positional[position : position + 1]]
    body = [node for statement in definition.body for node in ast.walk(statement)]
    if names:
        return _reads_of_name(function, names[0], body, depth)
    if keyword is None and position == 0 and arguments.vararg is not None:
        return _reads_of_all(function, arguments, body, depth)
    raise _OpaqueError


def _reads_of_name(function: FunctionType, name: str, body: list[ast.AST], depth: int) -> frozenset[str]:
    """Return what is read of the variable ``name``, every mention of which must be one that can be told."""
    found: set[str] = set()
    told: set[ast.AST] = set()
    for node in body:
        for mention, read in _told(node, name) if isinstance(node, _TELLING) else ():
            told.add(mention)
            if read is not None:
                found.add(read)
        if isinstance(node, ast.Call):
            for mention, position, keyword in _handed(node, name):
                if mention not in told:
                    found |= _reads(_callee(function, node.func, body), position, keyword, depth + 1)
                    told.add(mention)
    for node in body:
        match node:
            case ast.Name(id=mentioned) if mentioned in _ANY or (mentioned == name and node not in told):
                raise _OpaqueError
            case ast.arg(arg=mentioned) if mentioned == name:
                raise _OpaqueError  # another variable of that name, in a function within
    return frozenset(found)


def _told(node: ast.AST, name: str) -> Iterator[tuple[ast.AST, str | None]]:
    """Yield a mention of the context of which is known what it reads, and that, or that it writes."""
    match node:
        case ast.Subscript(value=ast.Name(id=base) as mention, ctx=ast.Store() | ast.Del()) if base == name:
            yield mention, _WRITE
        case ast.Subscript(value=ast.Name(id=base) as mention, slice=ast.Constant(value=str(read))) if (
            base == name
        ):
            yield mention, read
        case ast.Compare(
            left=ast.Constant(value=str(read)),
            ops=[ast.In() | ast.NotIn()],
            comparators=[ast.Name(id=base) as mention],
        ) if base == name:
            yield mention, read
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=base) as mention, attr=method),
            args=[ast.Constant(value=str(read)), *_],
        ) if base == name and method in _READS:
            yield mention, read
            if method == "setdefault":
                yield mention, _WRITE
        case ast.Call(func=ast.Attribute(value=ast.Name(id=base) as mention, attr="new")) if base == name:
            yield mention, None  # a context without the variables of this one
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=base) as mention, attr=method))
        ) if base == name and method in _WRITES:
            yield mention, _WRITE
        case ast.withitem(
            context_expr=ast.Call(func=ast.Attribute(value=ast.Name(id=base) as mention, attr=method)),
            optional_vars=None,
        ) if base == name and method in _SCOPES:
            yield mention, None  # what is set in the block is gone after it
        case ast.Attribute(value=ast.Name(id=base) as mention, attr=attr) if base == name and attr in _STATE:
            yield mention, _WRITE if attr in _SHARED else None
        case ast.Call(
            func=ast.Name(id="getattr" | "hasattr"),
            args=[ast.Name(id=base) as mention, ast.Constant(value=str(attr)), *_],
        ) if base == name and attr in _STATE:
            yield mention, _WRITE if attr in _SHARED else None
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=base) as mention, _]) if base == name:
            yield mention, None


def _handed(call: ast.Call, name: str) -> Iterator[tuple[ast.AST, int, str | None]]:
    """Yield where a call hands the context on as it is, before any argument that is unpacked."""
    for position, argument in enumerate(call.args):
        match argument:
            case ast.Starred():
                break
            case ast.Name(id=mentioned) if mentioned == name:
                yield argument, position, None
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=str(parameter), value=ast.Name(id=mentioned) as mention) if (
                mentioned == name
            ):
                yield mention, 0, parameter


def _reads_of_all(
    function: FunctionType, arguments: ast.arguments, body: list[ast.AST], depth: int
) -> frozenset[str]:
    """Return what a wrapper reads that takes ``*args`` and only hands them on."""
    vararg = arguments.vararg.arg if arguments.vararg else ""
    found: frozenset[str] = frozenset()
    told: set[ast.AST] = set()
    for node in body:
        match node:
            case ast.Call(func=called, args=[ast.Starred(value=ast.Name(id=name) as mention)]) if (
                name == vararg
            ):
                found |= _reads(_callee(function, called, body), 0, None, depth + 1)
                told.add(mention)
    for node in body:
        match node:
            case ast.Name(id=name) if name in _ANY or (name == vararg and node not in told):
                raise _OpaqueError
    return found


def _callee(function: FunctionType, called: ast.expr, body: list[ast.AST]) -> Any:
    """Return the function that a name stands for in ``function``, unless ``function`` itself binds the name."""
    code = function.__code__
    if not isinstance(called, ast.Name) or called.id in code.co_varnames or called.id in map(_bound, body):
        raise _OpaqueError
    if called.id not in code.co_freevars:
        return function.__globals__.get(called.id)
    try:
        return (function.__closure__ or ())[code.co_freevars.index(called.id)].cell_contents
    except ValueError:
        raise _OpaqueError from None


def _bound(node: ast.AST) -> str | None:
    """Return the name that a node gives to something."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.alias(name=name, asname=other):
            return other or name.partition(".")[0]
    return None


@lru_cache(maxsize=1024)
def _definition(code: CodeType) -> ast.FunctionDef:
    """Return the definition that a function was compiled from."""
    try:
        tree = ast.parse(textwrap.dedent(_lines(code)))
    except (SyntaxError, ValueError):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
        except (OSError, TypeError, SyntaxError, ValueError):
            raise _OpaqueError from None
    match tree.body:
        case [ast.FunctionDef() as definition] if definition.name == code.co_name and _same(
            definition.args, code
        ):
            return definition
    raise _OpaqueError


def _lines(code: CodeType) -> str:
    """Return the lines that a function was compiled from, which ``inspect`` takes ten times as long to find."""
    lines = linecache.getlines(code.co_filename)
    codes, last = [code], code.co_firstlineno
    for part in codes:
        last = max(last, *(end or 0 for _, end, _, _ in part.co_positions()))
        codes += [constant for constant in part.co_consts if isinstance(constant, CodeType)]
    return "".join(lines[code.co_firstlineno - 1 : last])


def _same(arguments: ast.arguments, code: CodeType) -> bool:
    """Return whether the parameters are those of the code: its file may have changed since."""
    written = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return tuple(written) == code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
