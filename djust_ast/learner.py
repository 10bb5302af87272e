"""Tells, while ``DEBUG`` is on, what a page loaded row by row although it could have been planned.

Every query that runs inside a template, and was not asked for by a plan, is traced back through the stack to the
descriptor that loads something, the property or method that reads it, and the line of the template::

    Lease.tenant_name reads Tenant.user, not planned: rentals/list.html:12

Nothing is patched: a wrapper is put around the queries of each connection when it is made.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

from djust_ast.attribution import origin
from djust_ast.conf import given

logger = logging.getLogger("djust_ast")
MAX_SAID = 1_000
_said: set[str] = set()
_lock = Lock()


def watch(connection: Any, **_: Any) -> None:
    """Look at the queries of ``connection`` while ``DEBUG`` is on; a receiver of ``connection_created``."""
    if given().get("DEBUG") is True and report not in connection.execute_wrappers:
        connection.execute_wrappers.append(report)


def report(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a query, and say in the log where it came from if an object loaded it although no plan asked for it."""
    found = origin(sys._getframe(1))
    if found.instance and found.kind in ("missed", "asked"):
        _say(str(found))
    return execute(sql, params, many, context)


def _say(text: str) -> None:
    with _lock:
        if text in _said or len(_said) >= MAX_SAID:
            return
        _said.add(text)
    logger.warning(text)
