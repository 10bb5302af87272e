"""LiveViews: views that hold plain querysets."""

from __future__ import annotations

from djust_ast.live.view import LiveView

__all__ = ["LiveView"]
