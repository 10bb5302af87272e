"""django-waffle 5."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "waffle.templatetags.waffle_tags"
TAGS = {
    **{
        f"{_HOME}:{kind}": TagSpec(args=("esc",), reads=("request",), end=f"end{kind}", branches=("else",))
        for kind in ("flag", "sample", "switch")
    },
    f"{_HOME}:wafflejs": TagSpec(reads=("request",)),
}
