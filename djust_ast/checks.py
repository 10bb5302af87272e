"""System checks; none touches the database."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from djust_ast import conf


@register("djust_ast")
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001 for an unknown key of ``DJUST_AST``, E002 for a value of a wrong type or out of its choices."""
    return [
        Error(
            f"DJUST_AST[{key!r}]: {problem}",
            id="djust_ast.E001" if problem == "unknown key" else "djust_ast.E002",
        )
        for key, problem in conf.problems(conf.given())
    ]
