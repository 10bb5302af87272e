"""django-imagekit 6: ``{% thumbnail '100x50' person.photo -- class="portrait" %}``."""

from dataclasses import replace

from djust_ast.tagspecs.spec import TagSpec

_HOME = "imagekit.templatetags.imagekit"
_IMAGE = TagSpec(kwargs={"*": "esc"}, words=("--",), assigns="after")
TAGS = {
    f"{_HOME}:generateimage": replace(_IMAGE, args=("esc",)),
    f"{_HOME}:thumbnail": replace(_IMAGE, args=("esc", "esc", "esc")),
}
