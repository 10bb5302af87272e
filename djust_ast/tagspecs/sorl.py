"""sorl-thumbnail 13: ``{% thumbnail file "100x50" crop="center" as im %}..{% empty %}..{% endthumbnail %}``."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "sorl.thumbnail.templatetags.thumbnail:thumbnail": TagSpec(
        args=("esc", "esc"), kwargs={"*": "esc"}, assigns="body", end="endthumbnail", branches=("empty",)
    ),
}
