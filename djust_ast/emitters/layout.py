"""Generated source as people read it: long lines broken inside their brackets.

``ast.unparse`` puts a function's whole display on one line. Only line breaks inside brackets are added, so the
source means what it meant.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

WIDTH = 100
_OPEN, _CLOSE = "([{", ")]}"
Part = str | list["Part"]


def laid_out(source: str) -> str:
    """``source`` with every line that is longer than 100 characters broken at its brackets, where it has any."""
    return "\n".join(line if len(line) <= WIDTH else _broken(line) for line in source.split("\n"))


def _broken(line: str) -> str:
    body = line.lstrip(" ")
    return "\n".join(_lines(list(_groups(body)), len(line) - len(body)))


def _groups(text: str) -> Iterator[Part]:
    """The pieces of ``text`` between brackets, a bracket's content as a list of its own."""
    stack: list[list[Part]] = [[]]
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, stop = token.start[1], token.end[1]
        if token.start[0] > 1 or token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            break
        piece = text[end:stop]
        end = stop
        if token.type == tokenize.OP and token.string in _OPEN:
            stack[-1].append(piece)
            stack.append([])
        elif token.type == tokenize.OP and token.string in _CLOSE and len(stack) > 1:
            inside = stack.pop()
            stack[-1] += [inside, piece]
        else:
            stack[-1].append(piece if token.string != "," else text[start:stop])
    yield from stack[0]


def _flat(parts: list[Part]) -> str:
    return "".join(part if isinstance(part, str) else _flat(part) for part in parts)


def _lines(parts: list[Part], indent: int) -> list[str]:
    """The lines of ``parts``: as they are if they fit, else with their longest bracket opened up."""
    text = " " * indent + _flat(parts)
    inner = [index for index, part in enumerate(parts) if isinstance(part, list) and part]
    if len(text) <= WIDTH or not inner:
        return [text]
    widest = max(inner, key=lambda index: len(_flat([parts[index]])))
    content = parts[widest]
    assert isinstance(content, list)  # noqa: S101 - chosen above
    lines = [" " * indent + _flat(parts[:widest])]
    for item in _items(content):
        lines += _lines(item, indent + 4)
    return [*lines, " " * indent + _flat(parts[widest + 1 :])]


def _items(content: list[Part]) -> Iterator[list[Part]]:
    """The pieces of a bracket's content: each with its comma, a comprehension's clauses whole."""
    item: list[Part] = []
    for part in content:
        word = part.strip() if isinstance(part, str) else ""
        if word == "for" and item:
            yield item
            item = []
        item.append(part.lstrip() if not item and isinstance(part, str) else part)
        if word == "," and item[0] != "for":
            yield item
            item = []
    if item:
        yield item
