"""What is wrong with a template, and how that is shown to people."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_WIDTH, _BEFORE, _TAB = 100, 40, 4
_INDENT = "    "
# Joiners belong to the letters around them; other invisible characters are shown, or they would hide something.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning about a template.

    ``line`` and ``column`` count from 1, ``column`` and ``length`` in characters; they are ``None`` where the
    template as a whole is meant. ``source_line`` is the text of the line, or of a long one the part after the
    first ``skipped`` characters. ``docs/diagnostics.md`` lists the codes.
    """

    message: str
    template: str | None = None
    line: int | None = None
    column: int | None = None
    code: str = ""
    severity: str = "error"
    length: int = 1
    help: str | None = None
    source_line: str = ""
    skipped: int = 0

    @property
    def place(self) -> str:
        """``rentals/list.html:12:5``, as much of it as is known, or an empty string."""
        known = [part for part in (self.template, self.line, self.column) if part is not None]
        return visible(":".join(str(part) for part in known))

    @property
    def summary(self) -> str:
        """Place, code, message and what to do in one line, for logs."""
        line = " ".join(self._head().splitlines())
        return f"{line}; {visible(self.help)}" if self.help else line

    def render(self) -> str:
        """The message, the line with a caret under the culprit, and what to do."""
        parts = [self._head(), *(_INDENT + line for line in self._excerpt())]
        if self.help:
            parts.append(f"{_INDENT}help: {visible(self.help)}")
        return "\n".join(parts)

    def _head(self) -> str:
        kind = f"{'warning' if self.severity == 'warn' else 'error'} {self.code}" if self.code else ""
        known = [part for part in (self.place, kind) if part]
        return ": ".join([*known, "\n".join(visible(line) for line in self.message.split("\n"))])

    def _excerpt(self) -> tuple[str, ...]:
        """The line, cut to what fits, and the carets below it; nothing where the line is not known."""
        if not self.source_line or self.column is None:
            return ()
        line = self.source_line.rstrip("\r")
        at = min(max(self.column - 1 - self.skipped, 0), len(line))
        first = at - _BEFORE if at > _BEFORE and len(line) > _WIDTH else 0
        last = len(line) if len(line) - first <= _WIDTH else first + _WIDTH
        before = ("…" if first or self.skipped else "") + line[first:at]
        length = min(self.length, last - at)
        shown = visible(before + line[at:last] + ("…" if last < len(line) else ""))
        start = columns(before)
        return shown, " " * start + "^" * max(columns(before + line[at : at + length]) - start, 1)


def visible(text: str) -> str:
    """``text`` as one line that a terminal shows as it is: tabs as spaces, signs for control characters."""
    return "".join(char for char, _ in _cells(text))


def columns(text: str) -> int:
    """How many columns of a terminal ``visible(text)`` takes: wide characters two, combining ones none."""
    return sum(width for _, width in _cells(text))


def _cells(text: str) -> list[tuple[str, int]]:
    if text.isascii() and text.isprintable():
        return [(text, len(text))]
    cells: list[tuple[str, int]] = []
    column = 0
    for char in text:
        cell = _cell(char, column)
        cells.append(cell)
        column += cell[1]
    return cells


def _cell(char: str, column: int) -> tuple[str, int]:
    """What stands for a character at ``column``, and how many columns that takes."""
    if char == "\t":
        width = _TAB - column % _TAB
        return " " * width, width
    category = unicodedata.category(char)
    if category in {"Mn", "Me"} or char in _JOINERS:
        return char, 0
    if char < " ":
        return chr(0x2400 + ord(char)), 1  # ␀ and its kind
    if not char.isprintable() and category != "Zs":
        return "\ufffd", 1
    return char, 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
