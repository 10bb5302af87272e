"""Wagtail 8: blocks render with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "wagtail.contrib.settings.templatetags.wagtailsettings_tags:get_settings": TagSpec(
        kwargs={"*": "esc"}, assigns="after", reads=("request",), writes=True
    ),
    # Where a filter misses its argument there is no name after ``as`` either, so that an outer one shows: only words.
    "wagtail.images.templatetags.wagtailimages_tags:image": TagSpec(
        args=("esc",), rest="word", kwargs={"*": "esc"}, writes=True
    ),
    "wagtail.templatetags.wagtailcore_tags:include_block": TagSpec(
        args=("esc",), kwargs={"*": "esc"}, words=("with", "only"), reads="*"
    ),
}
