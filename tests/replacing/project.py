"""A small project with a package that changes how Django reads templates: ``python -m tests.replacing.project NAME``.

Each page renders as Django renders it, with what ``serialize_context`` made of the context, with that switched off, and
as a ``LiveView``. What came out is written to standard output, as JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
sys.path.append(str(Path(sys.prefix) / "replacing"))

HERE = Path(__file__).parent
CONTEXT_PROCESSORS = ["django.template.context_processors.request"]


def span_lines() -> None:
    """Let tags span lines: the snippet that many projects have."""
    from django.template import base

    base.tag_re = re.compile(base.tag_re.pattern, re.DOTALL)


@dataclass(frozen=True)
class Project:
    """What settings a package needs, and what happens before and after Django has started."""

    apps: list[str] = field(default_factory=list)
    builtins: list[str] = field(default_factory=list)
    loaders: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    started: Callable[[], None] = lambda: None


def register_components() -> None:
    from tests.replacing import components  # noqa: F401


APP_LOADERS = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
PROJECTS = {
    "components": Project(
        ["django_components"],
        ["django_components.templatetags.component_tags"],
        [*APP_LOADERS, "django_components.template_loader.Loader"],
        {"COMPONENTS": {"autodiscover": False, "dirs": []}},
        register_components,
    ),
    "cotton": Project(["django_cotton"]),
    "cotton-isolated": Project(["django_cotton"], settings={"COTTON_ISOLATE_BY_DEFAULT": True}),
    "multiline": Project(started=span_lines),
    "slippers": Project(["slippers"], ["slippers.templatetags.slippers"]),
}


def configure(name: str) -> None:
    """Start Django with a package, in memory."""
    import django
    from django.conf import settings

    project = PROJECTS[name]
    options: dict[str, Any] = {"context_processors": CONTEXT_PROCESSORS, "builtins": list(project.builtins)}
    loaders = [("django.template.loaders.cached.Loader", project.loaders or APP_LOADERS)]
    if not name.startswith("cotton"):  # which sets up its own
        options["loaders"] = loaders
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *project.apps]
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [HERE / "templates" / name.partition("-")[0], HERE / "templates" / "shared"],
            "APP_DIRS": "loaders" not in options,
            "OPTIONS": options,
        }
    ]
    for key, value in project.settings.items():
        setattr(settings, key, value)
    django.setup()
    project.started()


def contexts() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the pages, and what makes a context for each: lists, one object, objects that are loaded."""
    from djust_ast.demo.rentals.models import Lease, Owner, Property

    return {
        "leases.html": lambda: {"leases": Lease.objects.order_by("pk")[:12], "title": "Leases"},
        "owner.html": lambda: {"owner": Owner.objects.order_by("pk")[0]},
        "mixed.html": lambda: {
            "leases": list(Lease.objects.order_by("-pk")[:6]),
            "properties": Property.objects.order_by("pk")[:6],
        },
    }


def counted(render: Callable[[], str]) -> tuple[str, int]:
    """Return what comes out, and how many queries that took."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        page = render()
    return page, len(queries)


def report(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what becomes of one page."""
    from django.template.loader import get_template
    from django.test import RequestFactory, override_settings

    from djust_ast import compile_template, explain, serialize_context
    from djust_ast.live import LiveView

    template, request = get_template(name), RequestFactory().get("/")

    def plain() -> str:
        return template.render(make(), request)

    def served() -> str:
        return template.render(serialize_context(template, make()), request)

    def view() -> str:
        class Page(LiveView):
            template_name = name

            def mount(self, request: Any, **kwargs: Any) -> None:
                vars(self).update(make())

        return Page.as_view()(request).content.decode()

    plain()  # what packages cache at their first page is none of ours
    tree = compile_template(template).tree
    pages = {
        "plain": counted(plain),
        "served": counted(served),
        "again": counted(served),
        "view": counted(view),
    }
    with override_settings(DJUST_AST={"ENABLED": False}):
        pages["off"] = counted(served)
    return {
        "pages": {key: normal(page) for key, (page, _) in pages.items()},
        "queries": {key: count for key, (_, count) in pages.items()},
        "roots": {root.name: [root.kind, root.reason] for root in explain(template, make()).roots},
        "reads": tree.dotted(),
        "files": list(tree.files),
        "context": sorted({entry.tag for entry in tree.context_reads if entry.reads is None}),
    }


def normal(page: str) -> str:
    """Return a page without what differs each time: components have numbers of their own."""
    return re.sub(r"\bc[0-9A-Za-z]{6}\b", "c000000", page)


def main(name: str) -> None:
    configure(name)
    from django.core.checks import run_checks
    from django.core.management import call_command

    from djust_ast.demo.seed import seed

    call_command("migrate", verbosity=0, run_syncdb=True)
    seed()
    result = {page: report(page, make) for page, make in contexts().items()}
    checks = [message.msg for message in run_checks(tags=["djust_ast"]) if message.id == "djust_ast.W003"]
    json.dump({"checks": checks, "pages": result}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
