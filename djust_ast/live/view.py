"""The LiveView over plain HTTP: mount, plan, serialize, render."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.db.models.manager import BaseManager
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.template.backends.django import Template as BackendTemplate
from django.template.loader import get_template
from django.views import View

from djust_ast.integrations.context import serialize_context

_Context = dict[str, Any]


class LiveView(View):
    """A view whose public attributes are the context of its template.

    ``mount(request, **kwargs)`` sets them: querysets, models, lists of models, plain values. Nothing else is
    needed: what the template reads is planned and serialized.

    ``template_name`` names the template; ``template`` (or ``template_string``) is its source instead.
    ``get_context_data()`` returns the serialized context. It may be overridden, with or without ``super()``:
    what it adds, refines or replaces is served as well, since only the outermost call serializes.
    """

    template_name: str | None = None
    template: str | None = None
    template_string: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if iscoroutinefunction(cls.mount):
            raise ImproperlyConfigured(f"{cls.__name__}.mount is async; it is called synchronously")
        # Also where a mixin that is no LiveView brings the override.
        given = cls.get_context_data
        if not getattr(given, "serializes", False):
            cls.get_context_data = _serializing(given)  # type: ignore[method-assign]

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        """Set the attributes that the template reads; ``kwargs`` are the URL's. ``request`` is ``None`` in tests."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Mount, and answer with the rendered page."""
        self.mount(request, **kwargs)
        return self.render()

    def render(self) -> HttpResponse:
        """The page as it is now; ``response.live_view`` is this view."""
        context = self.get_context_data()
        response = HttpResponse(self.get_template().render(context, self._request))
        response.live_view = self  # type: ignore[attr-defined]
        return response

    def get_template(self) -> BackendTemplate:
        """The template, of a Django template backend; ``ImproperlyConfigured`` when none is named."""
        source = self.template if self.template is not None else self.template_string
        if source is not None:
            return _inline(type(self), source)
        if self.template_name is None:
            name = type(self).__name__
            raise ImproperlyConfigured(f"{name} needs template_name, template or template_string")
        return cast("BackendTemplate", get_template(self.template_name))

    def get_context_data(self, **kwargs: Any) -> _Context:
        """The public attributes and ``kwargs``, with records in the place of what the template reads."""
        return {**self._public(), **kwargs}

    def live_context(self, *args: Any, **kwargs: Any) -> _Context:
        """The context before it is serialized: the querysets and models themselves."""
        self._inside = getattr(self, "_inside", 0) + 1
        try:
            return self.get_context_data(*args, **kwargs)
        finally:
            self._inside -= 1

    @property
    def _request(self) -> HttpRequest | None:
        return getattr(self, "request", None)

    def _public(self) -> _Context:
        found: _Context = {}
        for cls in reversed(type(self).__mro__):
            # What Django's mixins define, as login_url, would shadow the values of context processors.
            if cls is not LiveView and not cls.__module__.startswith("django."):
                # A queryset on a class is shared by all requests: each takes a clone that is not evaluated.
                found |= {name: _unshared(value) for name, value in vars(cls).items()}
        found |= vars(self)
        return {name: value for name, value in found.items() if _public(name, value)}


def _serializing(method: Callable[..., _Context]) -> Callable[..., _Context]:
    @wraps(method)
    def get_context_data(self: LiveView, *args: Any, **kwargs: Any) -> _Context:
        if getattr(self, "_inside", 0):
            return method(self, *args, **kwargs)
        self._inside = 1
        try:
            context = method(self, *args, **kwargs)
        finally:
            self._inside = 0
        return serialize_context(self.get_template(), context, request=self._request)

    get_context_data.serializes = True  # type: ignore[attr-defined]
    return get_context_data


LiveView.get_context_data = _serializing(LiveView.get_context_data)  # type: ignore[method-assign]

_RESERVED = frozenset({*dir(LiveView), "request", "args", "kwargs", "head"})


def _public(name: str, value: Any) -> bool:
    if name.startswith("_") or name in _RESERVED:
        return False
    if callable(value) and not isinstance(value, BaseManager):  # the manager of a relation can be called
        return False
    return not hasattr(type(value), "__get__")  # properties and the like belong to the class


def _unshared(value: Any) -> Any:
    return value.all() if isinstance(value, QuerySet) else value


def _inline(cls: type[LiveView], source: str) -> BackendTemplate:
    """The compiled inline template of a class, made once for a source and engine."""
    backend = next((engine for engine in engines.all() if isinstance(engine, DjangoTemplates)), None)
    if backend is None:
        raise ImproperlyConfigured("an inline template needs a DjangoTemplates backend in TEMPLATES")
    known = cls.__dict__.get("_inline_template")
    if known is None or known[:2] != (source, backend):
        known = (source, backend, backend.from_string(source))
        cls._inline_template = known  # type: ignore[attr-defined]
    return cast("BackendTemplate", known[2])
