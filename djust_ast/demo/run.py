"""What ``python -m djust_ast demo`` runs."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the rental agency until it is interrupted."""
    options = _parse(argv)
    os.environ["DJANGO_SETTINGS_MODULE"] = "djust_ast.demo.settings"
    django.setup()
    settings.ALLOWED_HOSTS.append("*" if options.host in ("0.0.0.0", "::") else options.host)  # noqa: S104
    Path(settings.DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    _seed(options.scale)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"The rental agency is open: http://{host}:{options.port}/ (Ctrl-C closes it)", flush=True)
    # The staticfiles app's runserver also serves the stylesheet.
    call_command("runserver", f"{host}:{options.port}", use_reloader=False, skip_checks=True)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m djust_ast demo", description="Serve a rental agency whose pages hold only querysets."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--scale", type=int, help="build the data anew, this many times as much of it")
    return parser.parse_args(argv)


def _seed(scale: int | None) -> None:
    # Needs the app registry, which main() fills.
    from .seed import is_seeded, seed

    if scale is not None or not is_seeded():
        seed(scale or 1)
