"""django-hosts 7: a ``{% url %}`` with a host."""

from djust_ast.tagspecs.spec import TagSpec

_URL = TagSpec(rest="esc", kwargs={"*": "esc"}, words=("host", "port", "scheme"), assigns="after")
TAGS = {
    "django_hosts.templatetags.hosts:host_url": _URL,
    "django_hosts.templatetags.hosts_override:url": _URL,
}
