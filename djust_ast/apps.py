"""The Django application: signals and checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.db.backends.signals import connection_created
from django.utils.autoreload import file_changed


class DjustAstConfig(AppConfig):
    """``INSTALLED_APPS = [..., "djust_ast"]``: the management command, the checks and the settings' reload."""

    name = "djust_ast"
    verbose_name = "djust_ast"

    def ready(self) -> None:
        from djust_ast import checks, conf, learner, registry  # noqa: F401 - registers the checks

        setting_changed.connect(conf.forget, dispatch_uid="djust_ast.conf")
        connection_created.connect(learner.watch, dispatch_uid="djust_ast.learner")
        file_changed.connect(registry.forget, dispatch_uid="djust_ast.registry")
