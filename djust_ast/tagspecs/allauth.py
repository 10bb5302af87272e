"""django-allauth 65: elements render a template of the project with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

_HOME = "allauth.templatetags.allauth"
TAGS = {
    f"{_HOME}:do_element": TagSpec(args=("word",), kwargs={"*": "esc"}, reads="*", end="endelement"),
    f"{_HOME}:do_setvar": TagSpec(args=("word",), writes=True, end="endsetvar"),
    f"{_HOME}:do_slot": TagSpec(args=("word",), reads=("slots",), end="endslot", body="maybe"),
}
