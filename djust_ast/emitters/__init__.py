"""Emitters: a spec and its plan become a code object. One protocol, one file an emitter."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any, Protocol

from djust_ast.emitters.layout import laid_out
from djust_ast.plans import QueryPlan
from djust_ast.specs import Computed, Counted, Many, Related, SerializerSpec


@dataclass(frozen=True, slots=True)
class Emitted:
    """A code object that defines ``name`` when it runs in ``namespace``, and the tree that it was made from."""

    name: str
    code: CodeType
    tree: ast.Module
    namespace: dict[str, Any] = field(repr=False)

    @property
    def source(self) -> str:
        """The generated source; names of a template stand in it as constants only."""
        return laid_out(ast.unparse(self.tree)) + "\n"


class Emitter(Protocol):
    """What makes code.

    The function of an instance plan takes the objects; that of a row plan takes the rows and, for each level
    of the plan, a function from a parent's key to what stands for the other side.
    """

    def emit(self, spec: SerializerSpec, plan: QueryPlan) -> Emitted:
        """The serializer of ``spec`` over what ``plan`` fetches."""
        ...


def paths_of(spec: SerializerSpec, prefix: str = "") -> list[str]:
    """Every dotted path of ``spec``, in order."""
    paths: list[str] = []
    for m in spec.spoken:
        path = prefix + m.name
        paths.append(path)
        if isinstance(m, Related):
            paths += paths_of(m.spec, f"{path}.")
        elif isinstance(m, Many):
            paths += paths_of(m.spec, f"{path}.{m.via}." if m.via else f"{path}.")
        elif isinstance(m, Counted):
            for pick in m.picks:
                paths += [f"{path}.{pick.via}", *paths_of(pick.spec, f"{path}.{pick.via}.")]
        elif isinstance(m, Computed) and isinstance(m.rows, Many):
            paths += paths_of(m.rows.spec, f"{path}.all.")
    return paths


def function_name(model_name: str, paths: list[str]) -> str:
    """``serialize_lease_1a2b3c``: the model, and six hex digits of the paths."""
    digest = hashlib.sha256("\n".join(sorted(set(paths))).encode("utf-8", "surrogatepass")).hexdigest()
    return f"serialize_{identifier(model_name.lower())}_{digest[:6]}"


@lru_cache(maxsize=1024)
def identifier(name: str) -> str:
    """``name`` with everything but ASCII letters, digits and underscores left out, and ``x`` before a digit."""
    stem = re.sub(r"\W", "", name, flags=re.ASCII)
    return stem if stem.isidentifier() else f"x{stem}"
