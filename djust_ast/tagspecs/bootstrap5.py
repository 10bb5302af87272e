"""django-bootstrap5 26: messages render in a template with the whole context."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "django_bootstrap5.templatetags.django_bootstrap5:bootstrap_messages": TagSpec(
        includes=("django_bootstrap5/messages.html",)
    ),
}
