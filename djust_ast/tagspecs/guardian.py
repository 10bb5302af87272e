"""django-guardian 3: ``{% get_obj_perms user for obj as "name" %}``."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "guardian.templatetags.guardian_tags:get_obj_perms": TagSpec(
        args=("esc", "esc", "word", "esc"), words=("for", "as"), writes=True
    ),
}
