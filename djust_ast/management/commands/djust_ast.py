"""``manage.py djust_ast explain rentals/dashboard.html --var properties=rentals.Property``, or ``scan``."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model
from django.template import Engine, TemplateDoesNotExist, TemplateSyntaxError
from django.template.backends.django import DjangoTemplates
from django.template.utils import EngineHandler

from djust_ast.errors import DjustAstError
from djust_ast.frontend import extract
from djust_ast.integrations.context import CompiledTemplate, compile_template
from djust_ast.members import member
from djust_ast.paths import PathNode
from djust_ast.scan import scan

VERBS = {
    "explain": "all of the below but the tree",
    "paths": "what the template reads",
    "plan": "how that is fetched",
    "sql": "the statements of plain Django and ours",
    "source": "the generated code",
    "ast": "its syntax tree",
}


class Command(BaseCommand):
    """Shows what is read, planned and generated for a template; no query is run."""

    help = "Show what djust_ast reads, plans and generates for a template; no query is run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each thing that can be shown."""
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for name, text in VERBS.items():
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("template", help="the name of a template")
            verb.add_argument(
                "--var",
                action="append",
                default=[],
                metavar="NAME=APP.MODEL",
                help="the model behind a name of the context: leases=rentals.Lease (repeatable)",
            )
            if name == "paths":
                verb.add_argument("--format", choices=("text", "json"), default="text")
        verb = verbs.add_parser("scan", help="what all templates read, and what is wrong with them")
        verb.add_argument(
            "patterns", nargs="*", metavar="TEMPLATE", help="only these: names, files, folders, globs"
        )
        verb.add_argument("--strict", action="store_true", help="exit with 1 if there are errors")
        verb.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Write what ``verb`` names."""
        if verb == "scan":
            self._scan(options["patterns"], options["strict"], options["format"])
        else:
            self._show(verb, options["template"], options["var"], options.get("format", "text"))

    def _scan(self, patterns: list[str], strict: bool, form: str) -> None:
        report, unmatched = scan(patterns)
        if unmatched:
            raise CommandError(f"no template matches {', '.join(map(repr, unmatched))}")
        self.stdout.write(json.dumps(report.as_dict(), indent=2) if form == "json" else str(report))
        if strict and report.count("error"):
            raise CommandError(report.verdict)

    def _show(self, verb: str, template: str, var: list[str], form: str) -> None:
        try:
            compiled = _compiled(template)
            if verb == "paths":
                _context(compiled, var)
                tree = compiled.tree
                self.stdout.write(tree.json().decode() if form == "json" else str(tree))
                return
            if not var and verb != "explain":
                raise CommandError(f"name a model with --var NAME=APP.MODEL; {_roots(compiled)}")
            explanation = compiled.explain(_context(compiled, var))
        except DjustAstError as error:
            raise CommandError(str(error)) from error
        text = str(explanation if verb == "explain" else getattr(explanation, verb))
        self.stdout.write(text.rstrip("\n"))


def _compiled(name: str) -> CompiledTemplate:
    try:
        return compile_template(name)
    except TemplateDoesNotExist as error:
        missing = str(error) or name
        raise CommandError(f"there is no template {missing!r}") from error
    except TemplateSyntaxError as error:
        # Django's message has no place: ours, for the same source, has a caret.
        for engine, source in _sources(name):
            extract(source, name=name, engine=engine)
        raise CommandError(f"{name}: {error}") from error


def _sources(name: str) -> Iterable[tuple[Engine, str]]:
    for backend in EngineHandler().all():
        if not isinstance(backend, DjangoTemplates):
            continue
        loaders: list[Any] = backend.engine.template_loaders
        for loader in loaders:
            for origin in loader.get_template_sources(name):
                try:
                    yield backend.engine, str(loader.get_contents(origin))
                except TemplateDoesNotExist:
                    continue


def _context(compiled: CompiledTemplate, given: list[str]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for entry in given:
        name, equals, label = entry.partition("=")
        if not (name and equals and label):
            raise CommandError(f"expected --var NAME=APP.MODEL, got {entry!r}")
        if name not in compiled.roots:
            raise CommandError(f"{compiled.name} does not read {name!r}; {_roots(compiled)}")
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError) as error:
            raise CommandError(f"--var {entry}: {error}") from error
        context[name] = model() if _single(compiled.tree.roots[name], model) else model
    return context


def _single(node: PathNode, model: type[Model]) -> bool:
    """Whether the template enters one object under this name, not a collection of them."""
    collection = node.element is not None or node.indexes or "len" in node.uses
    return not collection and any(member(model, name) is not None for name in node.attrs)


def _roots(compiled: CompiledTemplate) -> str:
    names = ", ".join(compiled.roots)
    return f"it reads {names}" if names else "it reads nothing"
