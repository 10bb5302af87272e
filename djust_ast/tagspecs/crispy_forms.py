"""django-crispy-forms 2: the layout of a form renders with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "crispy_forms.templatetags.crispy_forms_tags:do_uni_form": TagSpec(
        args=("esc", "esc", "word"), reads="*"
    ),
    "crispy_forms.templatetags.crispy_forms_field:crispy_field": TagSpec(args=("esc",), rest="esc"),
    "crispy_forms.templatetags.crispy_forms_utils:specialspaceless": TagSpec(end="endspecialspaceless"),
}
