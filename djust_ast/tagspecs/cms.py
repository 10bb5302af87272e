"""django-cms 5, without the tags whose plugins and menus render with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

_TAGS = "cms.templatetags.cms_tags"
TAGS = {
    f"{_TAGS}:PageAttribute": TagSpec(args=("word", "esc"), assigns="after", reads=("request",)),
    f"{_TAGS}:PageUrl": TagSpec(args=("esc", "esc", "esc"), assigns="after", reads=("request",)),
    "cms.templatetags.cms_js_tags:JavascriptString": TagSpec(end="end_javascript_string"),
    "menus.templatetags.menu_tags:PageLanguageUrl": TagSpec(args=("esc",), reads=("request",)),
    "cms.templatetags.cms_static:do_static_with_version": TagSpec(args=("esc",), assigns="after"),
}
