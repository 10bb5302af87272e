"""The JSON form of a walk: ``djust-ast/paths@1``."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djust_ast.nodewalk.walk import Walk


def write(walk: Walk, env: str) -> bytes:
    """The document as JSON text."""
    entry = walk.files[0]
    document: dict[str, Any] = {
        "v": 1,
        "kind": "linked",
        "template": {
            "name": entry.name,
            "partial": None,
            "hash": _hash(entry.source),
            "bytes": entry.bytes,
        },
        "env": env,
        "files": [{"name": file.name, "hash": _hash(file.source)} for file in walk.files],
        "roots": walk.machine.tree.roots(),
        "deps": walk.dependencies,
    }
    if walk.context_reads:
        document["ctx"] = walk.context_reads
    document["tags"] = {"unknown": list(walk.unknown), "libs": list(walk.libraries)}
    document["diag"] = walk.diagnostics
    if walk.machine.locals is not None:
        document["locals"] = walk.machine.locals.paths()
    return json.dumps(document, separators=(",", ":")).encode()


def _hash(source: str) -> str:
    return blake2b(_bytes(source), digest_size=16).hexdigest()


def _bytes(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")
