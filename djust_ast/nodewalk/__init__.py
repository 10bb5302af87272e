"""What compiled templates read: the extractor's document, from Django's own nodes.

For lexers that somebody has replaced, and for platforms without the extension. Slower than the extractor by far,
but where Django has compiled the template anyway, there is nothing that it could read differently.
"""

from __future__ import annotations

from djust_ast.errors import TemplateError
from djust_ast.nodewalk import document
from djust_ast.nodewalk.files import Loaded
from djust_ast.nodewalk.limits import TOO_DEEP, Limits, RefusedError
from djust_ast.nodewalk.walk import Load, Walk

__all__ = ["Limits", "Load", "Loaded", "walk"]


def walk(
    entry: Loaded, load: Load | None, *, env: str, local_names: bool = False, limits: Limits | None = None
) -> bytes:
    """The document ``djust-ast/paths@1`` of a template, its parents and what it includes.

    ``load(name, skip)`` finds other templates; each answer becomes the next number of the document's ``files``, and
    ``skip`` holds numbers of files that do not count. ``env`` is a hash of the tags and filters.
    """
    state = Walk(load, limits or Limits(), local_names=local_names)
    try:
        state.start(entry)
    except RefusedError as refused:
        number, line, column, length = refused.place
        file = state.files[number]
        if not length:
            raise TemplateError(refused.message, file.name, code=refused.code) from None
        excerpt = file.excerpt(refused.place)
        raise TemplateError(
            refused.message,
            file.name,
            line,
            column - excerpt.get("skip", 0),
            code=refused.code,
            length=length,
            source_line=excerpt["src"],
        ) from None
    except RecursionError:
        raise TemplateError("tags are nested too deep", entry.name, code=TOO_DEEP) from None
    return document.write(state, env)
