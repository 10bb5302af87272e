"""The one family of exceptions that djust_ast raises."""

from __future__ import annotations


class DjustAstError(Exception):
    """Something that djust_ast could not do, with the place in the template that asked for it.

    ``template`` is a template name, ``line`` and ``column`` count from 1; each is ``None`` when unknown.
    """

    def __init__(
        self,
        message: str,
        template: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, template, line, column)
        self.message = message
        self.template = template
        self.line = line
        self.column = column

    @property
    def place(self) -> str:
        """``rentals/list.html:12:5``, as much of it as is known, or an empty string."""
        known = [part for part in (self.template, self.line, self.column) if part is not None]
        return ":".join(str(part) for part in known)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class TemplateError(DjustAstError):
    """A template that cannot be read; ``str()`` shows the line with a caret under the culprit."""

    def __init__(
        self,
        message: str,
        template: str | None = None,
        line: int | None = None,
        column: int | None = None,
        *,
        code: str = "",
        length: int = 1,
        source_line: str = "",
    ) -> None:
        super().__init__(message, template, line, column)
        self.code = code
        self.length = length
        self.source_line = source_line

    def __str__(self) -> str:
        text = super().__str__()
        if not self.source_line or self.column is None:
            return text
        caret = " " * (self.column - 1) + "^" * max(self.length, 1)
        return f"{text}\n    {self.source_line}\n    {caret}"


class BindError(DjustAstError):
    """A path that was given explicitly and does not exist on the model."""


class PlanError(DjustAstError):
    """A bound tree that no plan or serializer can be made for."""


class SettingsError(DjustAstError):
    """A value in ``settings.DJUST_AST`` that cannot be used."""
