"""laces 0.1: a component may render with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "laces.templatetags.laces:component": TagSpec(
        args=("esc",), kwargs={"*": "esc"}, words=("with", "only"), assigns="after", reads="*"
    ),
}
