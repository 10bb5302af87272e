"""Code for objects of any class: every name is looked up as Django's templates do.

It is plain source, since it is also what ``optimization.generate_serializer_code`` hands out: one function a
node, names as constants only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from djust_ast.emitters import function_name, identifier
from djust_ast.paths import PathNode, dotted, from_paths
from djust_ast.records import Records

_RUNTIME = ("Absent", "Record", "each", "lookup")


@dataclass(frozen=True, slots=True)
class GenericSerializer:
    """Turns any Python objects into records of dotted paths; a path that is not there is an absent key."""

    function: Callable[[Any], Any]
    source: str

    def one(self, obj: Any) -> Any:
        """The record of one object."""
        return self.function(obj)

    def many(self, objects: Iterable[Any]) -> Records:
        """The records of ``objects``, in their order."""
        return Records(map(self.function, objects))


def compile_generic(paths: Iterable[str]) -> GenericSerializer:
    """The serializer of ``paths`` below an object of unknown class."""
    node = from_paths(paths)
    name, source = generic_source("object", node)
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<{name}>", "exec"), namespace)  # noqa: S102 - names are constants in it
    return GenericSerializer(namespace[name], source)


def generic_source(model_name: str, node: PathNode, name: str | None = None) -> tuple[str, str]:
    """``(function name, source)`` of a serializer for one object."""
    entry = name or function_name(model_name, list(dotted(node)))
    numbers = count(1)

    def fresh(stem: str) -> str:
        return next(name for n in numbers if (name := f"{identifier(stem)}_{n}") != entry)

    body = "\n\n".join(_functions(entry, node, fresh))
    used = [name for name in _RUNTIME if name in body]
    prelude = f"from djust_ast.runtime import {', '.join(used)}\n\n\n" if used else ""
    return entry, prelude + body


def _functions(name: str, node: PathNode, fresh: Callable[[str], str]) -> Iterator[str]:
    """The functions of the nodes below, then that of ``node``: an element is reached through ``each``.

    A plain dict where the object is only entered, a record that knows it where it is also read itself.
    """
    lines = [f"def {name}(obj):", f"    record = {'Record(obj, {})' if node.uses else '{}'}"]
    for key, child in node.attrs.items():
        value = f"lookup(obj, {key!r})"
        if child.attrs:
            below = fresh(key)
            yield from _functions(below, child, fresh)
            value = f"each({value}, {below})"
        lines += ["    try:", f"        record[{key!r}] = {value}", "    except Absent:", "        pass"]
    lines.append("    return record\n")
    yield "\n".join(lines)
