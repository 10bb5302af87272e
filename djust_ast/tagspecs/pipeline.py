"""django-pipeline 4."""

from djust_ast.tagspecs.spec import TagSpec

_FILES = TagSpec(args=("esc",), reads=("request",))
TAGS = {
    "pipeline.templatetags.pipeline:javascript": _FILES,
    "pipeline.templatetags.pipeline:stylesheet": _FILES,
}
