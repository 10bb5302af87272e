"""django-contrib-comments 2.2: what renders a template hands it the whole context."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "django_comments.templatetags.comments"
# {% get_comment_list for app.model pk as name %} names a model where the other form has the object.
_GET = TagSpec(args=("esc", "esc"), words=("for",), assigns="after", reads=("request",))
_RENDER = TagSpec(args=("esc", "esc"), words=("for",), reads="*")
TAGS = {
    f"{_HOME}:get_comment_count": _GET,
    f"{_HOME}:get_comment_form": TagSpec(args=("esc", "esc"), words=("for",), assigns="after"),
    f"{_HOME}:get_comment_list": _GET,
    f"{_HOME}:render_comment_form": _RENDER,
    f"{_HOME}:render_comment_list": _RENDER,
}
