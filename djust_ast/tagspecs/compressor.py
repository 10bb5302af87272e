"""django-compressor 4: its templates see the context."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "compressor.templatetags.compress:compress": TagSpec(
        args=("word", "word", "word"),
        reads=("request",),
        writes=True,
        end="endcompress",
        includes=tuple(
            f"compressor/{kind}_{mode}.html"
            for kind in ("css", "js")
            for mode in ("file", "inline", "preload")
        ),
    ),
}
