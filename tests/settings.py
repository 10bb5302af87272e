"""The demo project, on a database in memory, or on PostgreSQL with ``DATABASE=postgres``."""

import os

from djust_ast.demo.settings import *  # noqa: F403

SECRET_KEY = "only for tests"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.zoo.apps.ZooConfig"]  # noqa: F405
DEBUG = False
ZOO_BADGE_MODEL = "zoo.OwnBadge"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Another database, for what spreads over two.
OTHER = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "TEST": {"MIGRATE": False}}

if os.environ.get("DATABASE") == "postgres":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", ""),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
            "NAME": "test",
        },
        "other": OTHER,
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, "other": OTHER}
