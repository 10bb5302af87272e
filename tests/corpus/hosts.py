"""URLs and hosts for the tags that make links."""

from django.urls import path
from django_hosts import host, patterns

urlpatterns = [path("<path:rest>", lambda request, rest: None, name="page")]
host_patterns = patterns("", host(r"www", "tests.corpus.hosts", name="www"))
