"""The SQL of a plan, without running it."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import EmptyResultSet, FieldError

from djust_ast.errors import PlanError
from djust_ast.fetch.peers import joined
from djust_ast.fetch.rows import counted, picked
from djust_ast.plans import QueryPlan
from djust_ast.states import AnyQuerySet, rows_behind


def sql_of(queryset: AnyQuerySet) -> str:
    """The statement of a queryset, or a comment where Django would not ask the database at all."""
    try:
        return str(queryset.query)
    except EmptyResultSet:
        return "-- nothing to ask: the result is empty"


def planned_sql(queryset: AnyQuerySet, plan: QueryPlan) -> tuple[str, ...]:
    """The main statement of the plan and, with the parents' keys left open, those of its levels."""
    if queryset._result_cache is not None:
        return tuple(_level_sql(plan))
    own = queryset.values_list(*plan.columns) if plan.route == "rows" else joined(queryset, plan)
    return (sql_of(own), *_level_sql(plan))


def _level_sql(plan: QueryPlan) -> Iterator[str]:
    for level in plan.levels:
        relation = level.relation
        if relation.held:
            yield from _level_sql(level.plan)
            continue
        if level.plan.route == "targets":
            keys = relation.field.fk_field
            yield f"-- the {relation.accessor} of each type of object: pk IN (the parents' {keys})"
            continue
        queryset = rows_behind(relation)
        if level.via:
            queryset = picked(queryset, level)
        if level.plan.route == "counts":
            queryset = counted(queryset, relation)
        elif level.plan.route == "rows":
            queryset = queryset.values_list(*level.plan.columns)
        else:
            queryset = joined(queryset, level.plan)
        yield f"{sql_of(queryset)}\n-- ... {relation.remote} IN (the parents' {relation.local})"
        yield from _level_sql(level.plan)


def prove(queryset: AnyQuerySet, plan: QueryPlan) -> None:
    """Compile the plan's SQL once, so that a plan that Django refuses fails before anything is run."""
    try:
        planned_sql(queryset, plan)
    except FieldError as error:
        raise PlanError(f"Django refuses the plan: {error}") from error
