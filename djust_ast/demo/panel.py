"""The panel at the foot of every page: what the page read, what was planned, what that saved.

It is put into the finished response, so that the page itself is the same with and without it. ``?panel=0``
leaves it away.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from djust_ast import explain
from djust_ast.live import LiveView

CLOSING = b"</body>"
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b")


@dataclass(frozen=True, slots=True)
class PlainPage:
    """A page as Django alone renders it from live objects."""

    html: str
    sql: list[str]


class PanelMiddleware:
    """Adds the panel to the pages of LiveViews."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.GET.get("panel") == "0":
            return self.get_response(request)
        with CaptureQueriesContext(connection) as queries:
            response = self.get_response(request)
        view: LiveView | None = getattr(response, "live_view", None)
        if view is None or not isinstance(response, HttpResponse) or response.status_code != 200:
            return response
        body, closing, rest = response.content.rpartition(CLOSING)
        panel = render_panel(view, request, [query["sql"] for query in queries.captured_queries])
        response.content = body + panel.encode() + closing + rest
        if response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response


def render_panel(view: LiveView, request: HttpRequest, sql: list[str]) -> str:
    """Return the panel of the page that ``view`` answered ``request`` with, running ``sql``."""
    explanation = explain(view.get_template(), live_context(mounted(view, request)))
    plain = plain_page(view, request)
    return render_to_string(
        "rentals/_panel.html",
        {
            "template": view.get_template().template.name,
            "sql": sql,
            "plain_sql": plain.sql,
            "plain_shapes": Counter(LITERAL.sub("?", query) for query in plain.sql).most_common(),
            "paths": str(explanation.paths),
            "plan": str(explanation.plan),
            "planned_sql": str(explanation.sql),
            "source": str(explanation.source),
        },
    )


def plain_page(view: LiveView, request: HttpRequest) -> PlainPage:
    """Return the page that Django renders without djust_ast, and the queries of that."""
    with CaptureQueriesContext(connection) as queries:
        context = live_context(mounted(view, request))
        html = view.get_template().render(context, request)
    return PlainPage(html, [query["sql"] for query in queries.captured_queries])


def mounted(view: LiveView, request: HttpRequest) -> LiveView:
    """Return a view of the same page whose querysets and models nobody has touched yet."""
    fresh = type(view)()
    fresh.setup(request, *view.args, **view.kwargs)
    fresh.mount(request, **view.kwargs)
    return fresh


def live_context(view: LiveView) -> dict[str, Any]:
    """Return the view's own context, with querysets that have not been evaluated."""
    return {
        name: value.all() if isinstance(value, QuerySet) else value
        for name, value in view.live_context().items()
    }
