"""The walk of compiled nodes against the extractor: what both say of a template, and where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.template import Engine

from djust_ast import native, nodewalk
from djust_ast.errors import TemplateError
from djust_ast.frontend import Sources
from djust_ast.registry import registry_for

# -- what the two cannot say alike

NOT_COMPARED = {
    "env": "the two hash different things, so that neither's cached work is taken for the other's",
    "hash": "xxh3 is not in Python's library",
    "help": "what to do is the extractor's to say, which knows why it refuses",
    "why": "the walk asks nobody for names of templates that only the context knows",
    "takers": "as why",
    "src": "where a line is cut depends on the column",
    "skip": "as src",
    "c": "a tag of which nothing is known may have taken in what follows it, and not render it: only its node tells",
    "column and length": "of two equal tags of a line, or two equal expressions of a tag, the walk knows one place",
}
"""What is left out, and why; all else in the documents is equal."""

PLACES = 4


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without what is not compared."""
    notes = {
        key: sorted(
            (
                {**without(note), "at": note["at"][:2], "msg": reason_less(note)}
                for note in document.get(key, ())
            ),
            key=repr,  # in which order `block.super` is read is open
        )
        for key in ("deps", "ctx", "diag")
    }
    return notes | {
        "head": [document["v"], document["kind"], without(document["template"])],
        "files": [without(file) for file in document["files"]],
        "roots": nodes(document["roots"]),
        "tags": document["tags"],
        "locals": document.get("locals"),
    }


def without(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in NOT_COMPARED}


def unlike(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Return where the document of the walk differs from that of the extractor, if anywhere."""
    return list(_differences(comparable(theirs), comparable(ours), "", taken=bool(theirs["tags"]["unknown"])))


def reason_less(note: dict[str, Any]) -> str:
    """Return a message without the reason that the key ``why`` has, too."""
    message: str = note.get("msg", "")
    if note.get("code") == "DA104":
        return ""  # Django has no words for `_('` without an end.
    return message.partition(":")[0] if note.get("code") == "DA103" else message


def nodes(by_name: dict[str, Any]) -> dict[str, Any]:
    return {name: node(below) for name, below in by_name.items()}


def node(fields: dict[str, Any]) -> dict[str, Any]:
    kept = dict(fields)
    kept |= {key: nodes(fields[key]) for key in ("a", "i") if key in fields}
    kept |= {key: node(fields[key]) for key in ("e",) if key in fields}
    return kept | ({"at": Lines(fields["at"])} if "at" in fields else {})


class Lines:
    """The lines of the places of a node, of which the document has the first four; in which order `block.super` is read is open."""

    def __init__(self, places: list[list[int]]) -> None:
        self.lines = {(file, line) for file, line, _, _ in places}
        self.is_full = len(places) == PLACES

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lines):
            return NotImplemented
        if self.is_full and other.is_full:
            return not self.lines.isdisjoint(other.lines)
        return (other.is_full or self.lines <= other.lines) and (self.is_full or other.lines <= self.lines)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"Lines({self.lines})"


# -- both sides


def extracted(engine: Engine, name: str) -> dict[str, Any]:
    """Return what the extractor says of a template."""
    sources = Sources(engine, [])
    found = sources.resolve(name, [])
    assert found is not None
    document: dict[str, Any] = json.loads(
        native.extract(found[1], name, registry_for(engine), sources.resolve, locals=True).json()
    )
    return document


def walked(engine: Engine, name: str) -> dict[str, Any]:
    """Return what the walk says of it."""
    sources = Sources(engine, [])
    found = sources.load(name, [])
    assert found is not None
    document: dict[str, Any] = json.loads(
        nodewalk.walk(found._replace(name=name), sources.load, env="", local_names=True)
    )
    return document


def differences(engine: Engine, name: str) -> list[str]:
    """Return where the walk says something else of a template, or refuses it on another line, if anywhere."""
    ours = theirs = None
    try:
        theirs = extracted(engine, name)
    except native.ExtractError as error:
        refused = (error.args[2], error.args[3])
    try:
        ours = walked(engine, name)
    except TemplateError as error:
        if theirs is None:
            return [] if refused == (error.template, error.line) else [f"refused {refused}, not {error}"]
        # After a tag that may make sense of what it cannot read the extractor warns and goes on.
        warned = [note["at"][1] for note in theirs["diag"] if note["code"] == "DA105"]
        return [] if error.line in warned else [f"only the walk refuses: {error}"]
    if theirs is None:
        return [f"only the extractor refuses: {refused}"]
    return unlike(theirs, ours)


def _differences(theirs: Any, ours: Any, path: str, *, taken: bool) -> Iterator[str]:
    if theirs == ours:
        return
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            if not (key == "c" and taken and key in ours):
                below = f"{path}.{key}" if path else key
                yield from _differences(theirs.get(key), ours.get(key), below, taken=taken)
    else:
        yield f"{path}: {theirs!r}, the walk {ours!r}"


def refusals(engine: Engine, name: str) -> list[str | None]:
    """Return what each of the two refuses to read the template for."""
    found = []
    for side, kind in ((extracted, native.ExtractError), (walked, TemplateError)):
        try:
            side(engine, name)
        except kind as error:
            found.append(str(error.args[1] if kind is native.ExtractError else error.args[0]))
        else:
            found.append(None)
    return found
