"""django-mptt 0.20."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "mptt.templatetags.mptt_tags"
TAGS = {
    f"{_HOME}:do_drilldown_tree_for_node": TagSpec(args=("esc",), assigns="after"),
    f"{_HOME}:full_tree_for_model": TagSpec(args=("word",), assigns="after"),
    f"{_HOME}:recursetree": TagSpec(
        args=("esc",), end="endrecursetree", body="each", binds=("node", "children")
    ),
}
