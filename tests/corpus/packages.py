"""The packages of the corpus, and Django set up with one of them."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.template import Engine
from django.template.backends.django import get_installed_libraries
from django.template.utils import get_app_template_dirs

HERE = Path(__file__).parent
INSTALLED = [HERE.parents[1] / ".corpus" / kind for kind in (sys.implementation.cache_tag, "sample")]
"""Where the Makefile installs the packages of ``requirements.txt``, for this Python alone, and of ``sample.txt``."""
CONTRIB = [
    "django.contrib.admin",
    "django.contrib.admindocs",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.redirects",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.sites",
    "django.contrib.staticfiles",
]

BACKEND = "django.template.backends.django.DjangoTemplates"
PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]


@dataclass(frozen=True)
class Package:
    """A distribution that ships templates, and how Django starts with its apps."""

    name: str
    apps: list[str] = field(default_factory=list)
    defaults: str = ""
    """A module of settings of the package's own."""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def distribution(self) -> Distribution:
        """What pip knows of it."""
        return next(iter(distributions(name=self.name, path=list(map(str, INSTALLED)))))

    def folders(self) -> dict[Path, list[str]]:
        """Return the names of the templates in each of its template folders, as its list of files has them."""
        folders: dict[Path, list[str]] = {}
        for file in self.distribution.files or ():
            parts = file.parts
            if "templates" in parts[:-1] and "__pycache__" not in parts:
                end = parts.index("templates") + 1
                folder = Path(str(file.locate())).parents[len(parts) - end - 1]
                folders.setdefault(folder, []).append("/".join(parts[end:]))
        return {folder: sorted(names) for folder, names in sorted(folders.items())}

    def set_up(self) -> None:
        """Start Django with the apps of this package; once a process."""
        sys.path.extend(map(str, INSTALLED))
        own = vars(import_module(self.defaults)) if self.defaults else {}
        values = {
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "SECRET_KEY": "corpus",
            "SITE_ID": 1,
            "STATIC_URL": "/static/",
            "TEMPLATES": [{"BACKEND": BACKEND, "OPTIONS": {"context_processors": PROCESSORS}}],
            "MEDIA_URL": "/media/",
            "USE_TZ": True,
        }
        installed = [*self.apps, *(app for app in CONTRIB if app not in self.apps)]
        values |= {name: value for name, value in own.items() if name.isupper()} | self.settings
        settings.configure(INSTALLED_APPS=installed, **values)
        django.setup()

    def templates(self) -> Iterator[tuple[Engine, str]]:
        """Yield each template with an engine which finds this file before any other of its name."""
        installed = get_app_template_dirs("templates")
        folders = self.folders()
        for folder, names in folders.items():
            dirs = [folder, *installed, *folders]
            engine = Engine(dirs=list(dict.fromkeys(dirs)), libraries=get_installed_libraries(), debug=True)
            for name in names:
                if readable(folder / name):
                    yield engine, name


def readable(file: Path) -> bool:
    """Return whether a file of a template folder is text, as a template is."""
    try:
        return file.is_file() and "\0" not in file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False


def packages() -> dict[str, Package]:
    """Return the packages of the corpus by name."""
    table = tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8"))
    return {name: Package(name, **row) for name, row in table.items()}
