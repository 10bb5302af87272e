"""The Django application: settings signals and checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import setting_changed


class DjustAstConfig(AppConfig):
    """``INSTALLED_APPS = [..., "djust_ast"]``: the management command, the checks and the settings' reload."""

    name = "djust_ast"
    verbose_name = "djust_ast"

    def ready(self) -> None:
        from djust_ast import checks, conf  # noqa: F401 - registers the checks

        setting_changed.connect(conf.forget, dispatch_uid="djust_ast.conf")
