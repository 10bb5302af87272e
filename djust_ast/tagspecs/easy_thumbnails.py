"""easy-thumbnails 2.10."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "easy_thumbnails.templatetags.thumbnail:thumbnail": TagSpec(
        args=("esc", "esc"), rest="word", kwargs={"*": "esc"}, assigns="after"
    ),
}
