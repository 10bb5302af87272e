"""Serializers as source: generated, compiled, and shown again."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from djust_ast import runtime
from djust_ast.compiler import check_path
from djust_ast.emitters import identifier
from djust_ast.emitters.generic import generic_source
from djust_ast.paths import from_paths

_sources: WeakKeyDictionary[Callable[..., Any], str] = WeakKeyDictionary()


def generate_serializer_code(model_name: str, paths: Iterable[str], func_name: str | None = None) -> str:
    """Source of a function that turns one object into nested dicts of ``paths``.

    Without ``func_name`` the function is ``serialize_<model>_<6 hex digits of the paths>``. Names of the paths
    stand in the source as constants only. A path that is not there is an absent key, a relation that is
    ``None`` stays ``None``.
    """
    listed = list(paths)
    for path in listed:
        check_path(path)
    if func_name is not None and not _usable(func_name):
        raise ValueError(f"{func_name!r} cannot be the name of a function")
    return generic_source(model_name, from_paths(listed), func_name)[1]


def _usable(name: str) -> bool:
    return name == identifier(name) and not keyword.iskeyword(name) and name not in runtime.__all__


def compile_serializer(code: str, func_name: str) -> Callable[[Any], Any]:
    """The function ``func_name`` that ``code`` defines.

    ``code`` is run: it must come from ``generate_serializer_code``, never from a user. A ``SyntaxError`` shows
    the numbered source.
    """
    try:
        compiled = compile(code, f"<generated {func_name}>", "exec")
    except SyntaxError as error:
        numbered = "\n".join(f"{n:4}  {line}" for n, line in enumerate(code.splitlines(), 1))
        raise SyntaxError(f"{error}\n{numbered}") from error
    namespace: dict[str, Any] = {}
    exec(compiled, namespace)  # noqa: S102 - the documented purpose
    function: Callable[[Any], Any] | None = namespace.get(func_name)
    if not callable(function):
        raise ValueError(f"the code defines no function {func_name!r}")
    _sources[function] = code
    return function


def get_serializer_source(func: Callable[..., Any]) -> str:
    """The source that ``func`` was compiled from.

    ``func`` comes from ``compile_serializer``, is a serializer's ``function``, or is any other function whose
    source Python can find.
    """
    if func in _sources:
        return _sources[func]
    emitted = getattr(func, "emitted", None)
    return inspect.getsource(func) if emitted is None else str(emitted.source)
