"""django-widget-tweaks 1.5: ``{% render_field form.name class+="wide" placeholder=hint %}``."""

from djust_ast.tagspecs.spec import TagSpec

TAGS = {
    "widget_tweaks.templatetags.widget_tweaks:render_field": TagSpec(
        args=("esc",), kwargs={"*": "esc"}, reads=("WIDGET_ERROR_CLASS", "WIDGET_REQUIRED_CLASS")
    ),
}
