"""URLs for the tags that make links."""

from django.urls import path

urlpatterns = [path("<path:rest>", lambda request, rest: None, name="page")]
