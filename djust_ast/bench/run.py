"""What ``python -m djust_ast bench`` runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import django
from django.conf import settings
from django.core.management import call_command


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; a missed target is printed, not an error: how fast a machine is, is its own affair."""
    options = _parse(argv)
    os.environ["DJANGO_SETTINGS_MODULE"] = "djust_ast.demo.settings"
    os.environ["DJUST_AST_DEMO_DB"] = ":memory:"
    django.setup()
    settings.DEBUG = False  # with DEBUG Django keeps every query
    call_command("migrate", verbosity=0)
    _seed(max(options.rows))
    # Needs the app registry.
    from djust_ast.bench import compilation, dashboard, extraction, fetched, loaded
    from djust_ast.bench.report import FORMATS, Report

    rounds: int = options.rounds
    _say("dashboard")
    last = dashboard.stage(rounds)  # its first call is the first in this process
    stages = []
    for module in (extraction, compilation, loaded):
        _say(module.__name__.rpartition(".")[2])
        stages.append(module.stage(rounds))
    _say("fetched")
    report = Report(rounds, (*stages, fetched.stage(rounds, options.rows), last))
    sys.stdout.write(FORMATS[options.format](report) + "\n")
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m djust_ast bench",
        description="Measure extraction, compilation and serialization against hand-written code.",
    )
    parser.add_argument("--rows", type=_positive, nargs="+", default=[20, 100, 1_000], metavar="N")
    parser.add_argument("--rounds", type=_positive, default=21, metavar="N", help="samples of each (21)")
    parser.add_argument("--format", choices=("table", "json", "md"), default="table")
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def _seed(rows: int) -> None:
    # Needs the app registry.
    from djust_ast.demo.rentals.models import Lease
    from djust_ast.demo.seed import seed

    seed()
    leases = Lease.objects.count()
    if rows > leases:
        seed(-(-rows // leases))


def _say(stage: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{stage} ...\n")
