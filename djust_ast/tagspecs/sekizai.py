"""django-sekizai 4. ``{% with_data %}`` has none: its body renders after the rest of the template."""

from django.conf import settings

from djust_ast.tagspecs.spec import TagSpec

_HOME = "sekizai.templatetags.sekizai_tags"
_HELD = (getattr(settings, "SEKIZAI_VARNAME", "SEKIZAI_CONTENT_HOLDER"),)
TAGS = {
    f"{_HOME}:AddData": TagSpec(args=("esc", "esc"), reads=_HELD),
    f"{_HOME}:Addtoblock": TagSpec(
        args=("esc",), words=("strip",), reads=_HELD, end="endaddtoblock", body="maybe"
    ),
    f"{_HOME}:RenderBlock": TagSpec(args=("esc",), reads=_HELD),
}
