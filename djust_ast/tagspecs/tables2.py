"""django-tables2 3: columns of templates render with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "django_tables2.templatetags.django_tables2"
TAGS = {
    f"{_HOME}:export_url": TagSpec(args=("esc", "esc"), kwargs={"*": "esc"}, reads=("request", "view")),
    f"{_HOME}:render_table": TagSpec(args=("esc", "esc"), reads="*"),
}
