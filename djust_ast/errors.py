"""The one family of exceptions that djust_ast raises."""

from __future__ import annotations

from djust_ast.diagnostics import Diagnostic


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
    def diagnostic(self) -> Diagnostic:
        """The same as data."""
        return Diagnostic(self.message, self.template, self.line, self.column)

    @property
    def place(self) -> str:
        """``rentals/list.html:12:5``, as much of it as is known, or an empty string."""
        return self.diagnostic.place

    @property
    def summary(self) -> str:
        """Place and message in one line, for logs."""
        return self.diagnostic.summary

    def render(self) -> str:
        """The message, and where the template is known the line with a caret and what to do: also ``str()``."""
        return self.diagnostic.render()

    def __str__(self) -> str:
        return self.render()


class TemplateError(DjustAstError):
    """A template that cannot be read; ``str()`` shows the line with a caret under the culprit.

    ``code`` is one of those in ``docs/diagnostics.md``, ``help`` says what to do, if that is known.
    """

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
        help: str | None = None,
    ) -> None:
        super().__init__(message, template, line, column)
        self.code = code
        self.length = length
        self.source_line = source_line
        self.help = help

    @property
    def diagnostic(self) -> Diagnostic:
        """The same as data."""
        return Diagnostic(
            self.message,
            self.template,
            self.line,
            self.column,
            code=self.code,
            length=self.length,
            help=self.help,
            source_line=self.source_line,
        )


class BindError(DjustAstError):
    """A path that was given explicitly and does not exist on the model."""


class PlanError(DjustAstError):
    """A bound tree that no plan or serializer can be made for."""


class SettingsError(DjustAstError):
    """A value in ``settings.DJUST_AST`` that cannot be used."""


class SpecError(DjustAstError):
    """A spec of a tag or filter that says what no tag can do, or has a key that there is not."""
