"""django-haystack 3."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "haystack.templatetags.highlight:highlight": TagSpec(
        rest="esc", words=("with", "css_class", "html_tag", "max_length")
    ),
    "haystack.templatetags.more_like_this:more_like_this": TagSpec(
        args=("esc", "word"), rest="esc", words=("as", "for", "limit"), writes=True
    ),
}
