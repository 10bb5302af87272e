"""Hosts for the tags that make links to them."""

from django_hosts import host, patterns

host_patterns = patterns("", host(r"www", "tests.corpus.urls", name="www"))
