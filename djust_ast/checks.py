"""System checks; none touches the database."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register

from djust_ast import conf
from djust_ast.frontend import why_nodes_are_walked
from djust_ast.hints import wrong_hints


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


@register("djust_ast")
def check_hints(**_: Any) -> list[CheckMessage]:
    """W001 for a hint on a property or method, ``@reads("tenant__person")``, that names what is not there."""
    return [
        Warning(f"{model.__name__}.{name}: {problem}", obj=model, id="djust_ast.W001")
        for model, name, problem in wrong_hints(apps.get_models())
    ]


@register("djust_ast")
def check_extractor(**_: Any) -> list[CheckMessage]:
    """W003 where templates are read from Django's compiled nodes, which takes longer, and why."""
    reasons = "; ".join(why_nodes_are_walked())
    if not reasons:
        return []
    text = f"templates are read from Django's compiled nodes: {reasons}"
    hint = "pages and queries are the same; only the first use of a template takes longer"
    return [Warning(text, hint=hint, id="djust_ast.W003")]
