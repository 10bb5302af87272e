"""django-analytical 3: who visits, and from where."""

from djust_ast.tagspecs.spec import TagSpec

_VISITOR = ("analytical_identity", "request", "user")
_FROM = TagSpec(reads=("request",))
TAGS = {
    **{
        f"analytical.templatetags.{module}:{name}": _FROM
        for module, name in (
            ("clickmap", "clickmap"),
            ("facebook_pixel", "facebook_pixel_body"),
            ("facebook_pixel", "facebook_pixel_head"),
            ("gauges", "gauges"),
            ("heap", "heap"),
            ("hotjar", "hotjar"),
            ("hubspot", "hubspot"),
            ("luckyorange", "luckyorange"),
        )
    },
    "analytical.templatetags.crazy_egg:crazy_egg": TagSpec(
        reads=("request", *(f"crazy_egg_var{number}" for number in range(1, 6)))
    ),
    "analytical.templatetags.google_analytics_gtag:google_analytics_gtag": TagSpec(
        reads=("google_analytics_gtag_identity", *_VISITOR)
    ),
    "analytical.templatetags.matomo:matomo": TagSpec(reads=("matomo_identity", "matomo_vars", *_VISITOR)),
}
