"""django-bootstrap4 26: messages render in a template with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "bootstrap4.templatetags.bootstrap4"
TAGS = {
    f"{_HOME}:bootstrap_messages": TagSpec(includes=("bootstrap4/messages.html",)),
    f"{_HOME}:bootstrap_buttons": TagSpec(
        rest="word", kwargs={"*": "esc"}, assigns="after", end="endbuttons"
    ),
}
