"""The specs that we ship are true: ``python -m tests.corpus.specs`` renders with every tag of them, and watches.

With ``--sample`` those of the packages of the sample are judged alone.

A tag renders with objects that it can work with where there are any, and with proxies otherwise. What its code asks
the context for must be in its spec, and so must a template that it hands the whole context, and a name that is there
after the tag. Then each spec is made to say less than the truth, one key at a time, and must be found wanting.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import django
from django.conf import settings
from django.template import Context, Engine, Template
from django.template.backends.django import get_installed_libraries
from django.template.context import BaseContext

from djust_ast import tagspecs
from djust_ast.tagspecs import TagSpec
from tests.agreement import differences
from tests.corpus.packages import BACKEND, CONTRIB, INSTALLED
from tests.recorder import LANGUAGE, Log, Recorder, Render, Roots, check, renders, tree_of

RENDERS = 16

APPS = [
    "allauth",
    "allauth.account",
    "analytical",
    "bootstrap4",
    "cms",
    "compressor",
    "crispy_bootstrap5",
    "crispy_forms",
    "django_bootstrap5",
    "django_comments",
    "django_hosts",
    "django_tables2",
    "easy_thumbnails",
    "guardian",
    "haystack",
    "imagekit",
    "laces",
    "menus",
    "mptt",
    "pipeline",
    "sekizai",
    "sorl.thumbnail",
    "taggit",
    "treebeard",
    "waffle",
    "wagtail",
    "wagtail.contrib.settings",
    "wagtail.documents",
    "wagtail.images",
    "widget_tweaks",
]


class NoMigrations:
    """Tables are made as the models are."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def has(package: str) -> bool:
    """Return whether a package is installed."""
    return find_spec(package.partition(".")[0]) is not None


def set_up(folders: list[Path]) -> None:
    """Start Django with everything that has a spec and is in one of the folders."""
    sys.path.extend(map(str, folders))
    media = tempfile.mkdtemp()
    processors = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
    settings.configure(
        ALLOWED_HOSTS=["*"],
        CLICKMAP_TRACKER_ID="12345678",
        CMS_CONFIRM_VERSION4=True,
        COMPRESS_DEBUG_TOGGLE="nocompress",
        CRAZY_EGG_ACCOUNT_NUMBER="12345678",
        CRISPY_ALLOWED_TEMPLATE_PACKS="bootstrap5",
        CRISPY_TEMPLATE_PACK="bootstrap5",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEFAULT_HOST="www",
        FACEBOOK_PIXEL_ID="1234567890",
        GAUGES_SITE_ID="0123456789abcdef0123456f",
        GOOGLE_ANALYTICS_GTAG_PROPERTY_ID="UA-123456-7",
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        HEAP_TRACKER_ID="123456789",
        HOTJAR_SITE_ID="123456789",
        HUBSPOT_PORTAL_ID="1234",
        INSTALLED_APPS=[*filter(has, APPS), *CONTRIB],
        LANGUAGES=[("en", "English")],
        LANGUAGE_CODE="en",
        LUCKYORANGE_SITE_ID="123456",
        MATOMO_DOMAIN_PATH="example.com",
        MATOMO_SITE_ID="1",
        MEDIA_ROOT=media,
        MEDIA_URL="/media/",
        MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
        MIGRATION_MODULES=NoMigrations(),
        PIPELINE={"PIPELINE_ENABLED": True, "JAVASCRIPT": {}, "STYLESHEETS": {}},
        ROOT_HOSTCONF="tests.corpus.hosts",
        ROOT_URLCONF="tests.corpus.urls",
        SECRET_KEY="corpus",
        STATICFILES_FINDERS=["compressor.finders.CompressorFinder"] if has("compressor") else [],
        STATIC_ROOT=tempfile.mkdtemp(),
        STATIC_URL="/static/",
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        TEMPLATES=[{"BACKEND": BACKEND, "APP_DIRS": True, "OPTIONS": {"context_processors": processors}}],
        USE_TZ=True,
        WAGTAIL_SITE_NAME="corpus",
        WAGTAILADMIN_BASE_URL="http://example.com",
    )
    django.setup()


CASES = {
    "allauth.templatetags.allauth:do_element": "{% load allauth %}{% element h1 tags='a,b' x=a.b %}{{ c.d }}{% endelement %}",
    "allauth.templatetags.allauth:do_setvar": "{% load allauth %}{% setvar name %}{{ a.b }}{% endsetvar %}{{ name }}",
    "allauth.templatetags.allauth:do_slot": "{% load allauth %}{% slot title %}{{ a.b }}{% endslot %}",
    "analytical.templatetags.clickmap:clickmap": "{% load clickmap %}{% clickmap %}",
    "analytical.templatetags.crazy_egg:crazy_egg": "{% load crazy_egg %}{% crazy_egg %}",
    "analytical.templatetags.facebook_pixel:facebook_pixel_body": "{% load facebook_pixel %}{% facebook_pixel_body %}",
    "analytical.templatetags.facebook_pixel:facebook_pixel_head": "{% load facebook_pixel %}{% facebook_pixel_head %}",
    "analytical.templatetags.gauges:gauges": "{% load gauges %}{% gauges %}",
    "analytical.templatetags.google_analytics_gtag:google_analytics_gtag": "{% load google_analytics_gtag %}{% google_analytics_gtag %}",
    "analytical.templatetags.heap:heap": "{% load heap %}{% heap %}",
    "analytical.templatetags.hotjar:hotjar": "{% load hotjar %}{% hotjar %}",
    "analytical.templatetags.hubspot:hubspot": "{% load hubspot %}{% hubspot %}",
    "analytical.templatetags.luckyorange:luckyorange": "{% load luckyorange %}{% luckyorange %}",
    "analytical.templatetags.matomo:matomo": "{% load matomo %}{% matomo %}",
    "bootstrap4.templatetags.bootstrap4:bootstrap_buttons": "{% load bootstrap4 %}{% buttons submit=a.b reset=c.d %}{{ e.f }}{% endbuttons %}",
    "bootstrap4.templatetags.bootstrap4:bootstrap_messages": "{% load bootstrap4 %}{% bootstrap_messages %}",
    "cms.templatetags.cms_js_tags:JavascriptString": "{% load cms_js_tags %}{% javascript_string %}{{ a.b }}{% end_javascript_string %}",
    "cms.templatetags.cms_static:do_static_with_version": "{% load cms_static %}{% static_with_version a.path %}{% static_with_version text as x %}{{ x }}",
    "cms.templatetags.cms_tags:PageAttribute": "{% load cms_tags %}{% page_attribute 'title' a.page as x %}{{ x }}",
    "cms.templatetags.cms_tags:PageUrl": "{% load cms_tags %}{% page_url a.page a.lang a.site as x %}{{ x }}",
    "compressor.templatetags.compress:compress": "{% load compress %}{% compress js inline %}<script>var x = 1;</script>{{ a.b }}{% endcompress %}",
    "crispy_forms.templatetags.crispy_forms_field:crispy_field": "{% load crispy_forms_field %}{% crispy_field form.name 'class' a.css %}{% crispy_field b.c d.e f.g %}",
    "crispy_forms.templatetags.crispy_forms_tags:do_uni_form": "{% load crispy_forms_tags %}{% crispy form %}{% crispy a.form b.helper %}",
    "crispy_forms.templatetags.crispy_forms_utils:specialspaceless": "{% load crispy_forms_utils %}{% specialspaceless %}{{ a.b }}{% endspecialspaceless %}",
    "django_bootstrap5.templatetags.django_bootstrap5:bootstrap_messages": "{% load django_bootstrap5 %}{% bootstrap_messages %}",
    "django_comments.templatetags.comments:get_comment_count": "{% load comments %}{% get_comment_count for page as x %}{{ x }}{% get_comment_count for sites.site other.pk as x %}",
    "django_comments.templatetags.comments:get_comment_form": "{% load comments %}{% get_comment_form for page as x %}{% get_comment_form for sites.site other.pk as x %}",
    "django_comments.templatetags.comments:get_comment_list": "{% load comments %}{% get_comment_list for page as x %}{{ x }}{% get_comment_list for sites.site other.pk as x %}",
    "django_comments.templatetags.comments:render_comment_form": "{% load comments %}{% render_comment_form for page %}{% render_comment_form for sites.site other.pk %}",
    "django_comments.templatetags.comments:render_comment_list": "{% load comments %}{% render_comment_list for page %}{% render_comment_list for sites.site other.pk %}",
    "django_hosts.templatetags.hosts:host_url": "{% load hosts %}{% host_url 'page' a.b host 'www' %}{% host_url 'page' rest=c.d host 'www' scheme e.f as x %}{{ x }}",
    "django_hosts.templatetags.hosts_override:url": "{% load hosts_override %}{% url 'page' a.b host 'www' port c.d %}{% url 'page' rest=e.f host 'www' %}",
    "django_tables2.templatetags.django_tables2:export_url": "{% load django_tables2 %}{% export_url a.format %}{% export_url 'csv' b.parameter %}{% export_url export_format=c.format %}",
    "django_tables2.templatetags.django_tables2:render_table": "{% load django_tables2 %}{% render_table table %}{% render_table a.table b.template %}",
    "easy_thumbnails.templatetags.thumbnail:thumbnail": "{% load thumbnail from thumbnail_easy %}{% thumbnail picture 100x50 crop quality=a.b %}{% thumbnail c.d e.f crop=g.h as x %}{{ x.url }}",
    "guardian.templatetags.guardian_tags:get_obj_perms": "{% load guardian_tags %}{% get_obj_perms account for page as 'x' %}{{ x }}{% get_obj_perms a.b for c.d as 'y' %}{% get_obj_perms account for c.d as 'y' e.f %}",
    "haystack.templatetags.highlight:highlight": "{% load highlight %}{% highlight a.b with c.d css_class e.f html_tag g.h max_length i.j %}{% highlight text with query %}",
    "haystack.templatetags.more_like_this:more_like_this": "{% load more_like_this %}{% more_like_this a.b as x for c.d limit 3 %}{{ x }}{% more_like_this page as y %}",
    "imagekit.templatetags.imagekit:generateimage": "{% load imagekit %}{% generateimage 'imagekit:thumbnail' source=picture width=50 -- alt=a.b %}{% generateimage 'imagekit:thumbnail' source=picture width=c.d %}{% generateimage 'imagekit:thumbnail' source=picture as x %}{{ x.url }}{% generateimage e.f %}",
    "imagekit.templatetags.imagekit:thumbnail": "{% load imagekit %}{% thumbnail '100x50' picture -- alt=a.b %}{% thumbnail '10x10' picture as y %}{% thumbnail c.d e.f g.h anchor=i.j as x %}{{ x.url }}",
    "laces.templatetags.laces:component": "{% load laces %}{% component a.b with x=c.d %}{% component widget only %}{% component widget as y %}{{ y }}",
    "menus.templatetags.menu_tags:PageLanguageUrl": "{% load menu_tags %}{% page_language_url 'en' %}{% page_language_url a.b %}",
    "mptt.templatetags.mptt_tags:do_drilldown_tree_for_node": "{% load mptt_tags %}{% drilldown_tree_for_node leaf as x %}{{ x }}{% drilldown_tree_for_node a.b as y %}",
    "mptt.templatetags.mptt_tags:full_tree_for_model": "{% load mptt_tags %}{% full_tree_for_model sites.branch as x %}{% for n in x %}{{ n.name }}{% endfor %}",
    "mptt.templatetags.mptt_tags:recursetree": "{% load mptt_tags %}{% recursetree tree %}{{ node.name }}{{ a.b }}{{ children }}{% endrecursetree %}{% recursetree c.d %}{{ node.e }}{% endrecursetree %}",
    "pipeline.templatetags.pipeline:javascript": "{% load pipeline %}{% javascript 'main' %}{% javascript a.b %}",
    "pipeline.templatetags.pipeline:stylesheet": "{% load pipeline %}{% stylesheet 'main' %}{% stylesheet a.b %}",
    "sekizai.templatetags.sekizai_tags:AddData": "{% load sekizai_tags %}{% add_data 'key' a.b %}{% add_data c.d e.f %}",
    "sekizai.templatetags.sekizai_tags:Addtoblock": "{% load sekizai_tags %}{% addtoblock 'js' strip %}{{ a.b }}{% endaddtoblock %}{% addtoblock c.d %}{{ e.f }}{% endaddtoblock %}",
    "sekizai.templatetags.sekizai_tags:RenderBlock": "{% load sekizai_tags %}{% render_block 'js' %}{{ a.b }}{% render_block c.d %}{{ e.f }}",
    "sorl.thumbnail.templatetags.thumbnail:thumbnail": "{% load thumbnail from thumbnail_sorl %}{% thumbnail picture '100x50' crop='center' as im %}{{ im.url }}{{ a.b }}{% empty %}{{ im.c }}{{ d.e }}"
    "{% endthumbnail %}{% thumbnail f.g h.i quality=j.k as im %}{{ im.l }}{% endthumbnail %}{% thumbnail picture '10x10' %}",
    "waffle.templatetags.waffle_tags:flag": "{% load waffle_tags %}{% flag x %}{{ a.b }}{% else %}{{ c.d }}{% endflag %}{% flag 'y' %}{% endflag %}{% flag e.f %}{{ g }}{% endflag %}",
    "waffle.templatetags.waffle_tags:sample": "{% load waffle_tags %}{% sample x %}{{ a.b }}{% else %}{{ c.d }}{% endsample %}{% sample 'y' %}{% endsample %}{% sample e.f %}{{ g }}{% endsample %}",
    "waffle.templatetags.waffle_tags:switch": "{% load waffle_tags %}{% switch x %}{{ a.b }}{% else %}{{ c.d }}{% endswitch %}{% switch 'y' %}{% endswitch %}{% switch e.f %}{{ g }}{% endswitch %}",
    "waffle.templatetags.waffle_tags:wafflejs": "{% load waffle_tags %}{% wafflejs %}",
    "wagtail.contrib.settings.templatetags.wagtailsettings_tags:get_settings": "{% load wagtailsettings_tags %}{% get_settings %}{% get_settings use_default_site=a.b as x %}{{ x }}",
    "wagtail.images.templatetags.wagtailimages_tags:image": "{% load wagtailimages_tags %}{% image photo width-10 alt=a.b %}{% image c.d width-10 as x %}{{ x.url }}{% picture photo width-{10,20} %}",
    "wagtail.templatetags.wagtailcore_tags:include_block": "{% load wagtailcore_tags %}{% include_block a.b with x=c.d %}{% include_block block %}{% include_block block only %}",
    "widget_tweaks.templatetags.widget_tweaks:render_field": "{% load widget_tweaks %}{% render_field form.name class+='wide' data-x=a.b placeholder=c.d %}{% render_field e.f rows=g.h %}",
}
"""For each spec a template that uses the tag in all ways that the spec speaks of."""


def objects() -> dict[str, Any]:
    """Return what the tags of ``CASES`` can work with."""
    from django import forms
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sites.models import Site
    from django.http import HttpRequest, QueryDict
    from django.utils.safestring import mark_safe

    class NameForm(forms.Form):
        name = forms.CharField()

    class Widget:
        def render_html(self, context: Any) -> str:
            return mark_safe(f"<b>{context.get('inside')}</b>")  # noqa: S308

    request = HttpRequest()
    request.GET, request.user, request.current_page = QueryDict("a=1"), AnonymousUser(), None
    request.META.update(REMOTE_ADDR="10.0.0.1", SERVER_NAME="example.com", SERVER_PORT="80")
    request.session = {}
    return {
        **(of_mptt() if has("mptt") else {}),
        **(of_tables() if has("django_tables2") else {}),
        **(of_wagtail() if has("wagtail") else {}),
        "account": get_user_model().objects.create(username="ann"),
        "form": NameForm({}),
        "page": Site.objects.get_or_create(domain="example.com")[0],
        "other": Site.objects.get(),
        "query": "x",
        "request": request,
        "text": "some text x",
        "widget": Widget(),
        "SEKIZAI_CONTENT_HOLDER": {"js": [], "key": []},
    }


def of_mptt() -> dict[str, Any]:
    """Return a tree."""
    from django.db import connection, models
    from mptt.models import MPTTModel, TreeForeignKey

    class Branch(MPTTModel):
        name = models.CharField(max_length=9)
        parent = TreeForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")

        class Meta:
            app_label = "sites"

    with connection.schema_editor() as editor:
        editor.create_model(Branch)
    root = Branch.objects.create(name="root")
    leaf = Branch.objects.create(name="leaf", parent=root)
    return {"leaf": leaf, "tree": Branch.objects.all()}


def of_tables() -> dict[str, Any]:
    """Return a table, one column of which is a template."""
    import django_tables2

    class Table(django_tables2.Table):
        name = django_tables2.Column()
        twice = django_tables2.TemplateColumn("{{ record.name }}{{ hidden.x }}")

    return {"table": Table([{"name": "x"}])}


def of_wagtail() -> dict[str, Any]:
    """Return an image and a block."""
    from django.core.files.images import ImageFile
    from PIL import Image
    from wagtail.blocks import CharBlock, StructBlock
    from wagtail.images.models import Image as WagtailImage
    from wagtail.models import Collection

    picture = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(picture, "PNG")
    Collection.add_root(name="root")
    file = ImageFile(io.BytesIO(picture.getvalue()), "photo.png")
    photo = WagtailImage.objects.create(title="photo", file=file)
    block = StructBlock([("title", CharBlock())]).to_python({"title": "x"})
    return {"block": block, "photo": photo, "picture": photo.file}


class Watch(Recorder):
    """Django's engine, with an eye on what the code of tags asks the context for."""

    def __init__(self, log: Log, presets: dict[str, Any]) -> None:
        super().__init__(log)
        self.presets = presets
        self.asked: set[str] = set()
        self.handed = False
        self.rendered: set[str] = set()
        self.worked: set[type] = set()
        self.set: set[str] = set()
        self.kept: dict[str, set[str]] = {}
        """For each tag of the page the names that it set and that are there after it; ``""`` where there were none."""

    def run(self, template: Template, render: Render) -> None:
        """Render once with the objects and once without."""
        for presets in ({}, self.presets):
            self.render, self.operations, self.in_tag = render, 0, 0
            roots = Roots(self)
            dict.update(roots, presets, x="", y="")  # names that tags set, but not after an error
            self.roots, self.written = roots, set()
            context = Context(roots)
            context.request = self.presets["request"]
            self.log.renders.append(render)
            try:
                with context.bind_template(template), context.push():
                    template.nodelist.render(context)
            except Exception as error:  # noqa: BLE001
                self.failed(template, error)

    def node(self, original: Any, node: Any, context: Any) -> Any:
        """Render, and note which tags did so without an error."""
        errors, names = len(self.log.errors), context.dicts[-1]
        is_outer = self.log.template is not None and node in self.log.template.nodelist
        if is_outer:
            self.set = set()
        output = super().node(original, node, context)
        if len(self.log.errors) == errors:
            self.worked.add(type(node))
            if is_outer:
                contents = node.token.contents if node.token else ""
                self.kept.setdefault(contents, set()).update(self.set & names.keys() or {""})
        return output

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """See who asks, what is handed out whole, and which templates render."""
        with contextlib.ExitStack() as stack, self.installed():

            def patch(owner: Any, name: str, see: Any) -> None:
                original = getattr(owner, name)

                def seen(*args: Any, **kwargs: Any) -> Any:
                    see(*args)
                    return original(*args, **kwargs)

                stack.enter_context(mock.patch.object(owner, name, seen))

            patch(BaseContext, "__getitem__", self.asks)
            patch(BaseContext, "get", self.asks)
            patch(BaseContext, "__contains__", self.asks)
            patch(BaseContext, "__setitem__", self.sets)
            patch(Context, "flatten", self.hands)
            patch(Context, "__copy__", self.hands)
            patch(Engine, "find_template", lambda engine, name, *rest, **kw: self.rendered.add(name))
            yield

    def sets(self, context: Any, name: str, value: Any) -> None:
        """Note a name that is no longer the page's."""
        self.written.add(name)
        self.set.add(name)

    def asks(self, context: Any, name: str, *default: Any) -> None:
        """Note a name of the page that somebody but the template language asks for."""
        if self.roots in context.dicts and name not in self.written and by_a_tag():
            self.asked.add(name)

    def hands(self, context: Any) -> None:
        """Note that all names are handed out."""
        if any(scope is self.roots for scope in context.dicts) and by_a_tag():
            self.handed = True


def by_a_tag() -> bool:
    """Return whether the code of a tag called the context, and not Django's template language."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") in (__name__, "tests.recorder", "copy", "contextlib"):
        frame = frame.f_back
    return not f"{frame.f_globals.get('__name__')}.".startswith(LANGUAGE)


def problems(engine: Engine, watch: Watch) -> list[str]:
    """Return what was seen and the specs in force do not say."""
    tree = tree_of(engine, "page.html")
    contexts = [entry["reads"] for entry in tree.get("ctx", ())]
    found = [str(miss) for miss in check(watch.log, tree)]
    if "*" in contexts:
        return found
    told = {name for reads in contexts for name in reads}
    found += [f"{name} is asked for" for name in sorted(watch.asked - told)]
    looked_up = {path[0] for render in watch.log.renders for path in render.read}
    found += [f"{name} is looked up" for name in sorted(looked_up - told - set(tree["roots"]) - watch.asked)]
    if watch.handed:
        linked = {file["name"] for file in tree["files"]}
        found += [f"{name} renders with everything" for name in sorted(watch.rendered - linked)]
        found += [] if len(linked) > 1 else ["everything is handed out"]
    return found


def names_kept(watch: Watch, spec: TagSpec, commands: set[str]) -> Iterator[str]:
    """Yield what is wrong with what the spec says of the names that are there after its tags."""
    for contents, names in watch.kept.items():
        words = contents.split()
        if not words or words[0] not in commands or spec.writes:
            continue
        told = {words[-1]} if words[-2:-1] == ["as"] and spec.assigns == "after" else set()
        yield from (f"{contents}: sets {name}" for name in sorted(names - told - {""}))
        if told and "" in names:
            yield f"{contents}: sets no {words[-1]}"


def weaker(spec: TagSpec) -> Iterator[tuple[str, TagSpec]]:
    """Yield the spec without one thing that it says."""
    replace = dataclasses.replace
    if spec.reads == "*":
        yield "reads", replace(spec, reads=())
        return  # that covers all the rest
    for name in spec.reads:
        yield f"reads {name}", replace(spec, reads=tuple(other for other in spec.reads if other != name))
    for row, use in enumerate(spec.args):
        if use != "word" and spec.body != "each":
            yield f"args {row}", replace(spec, args=(*spec.args[:row], "word", *spec.args[row + 1 :]))
    if spec.rest not in (None, "word"):
        yield "rest", replace(spec, rest="word")
    for name in spec.kwargs:
        yield f"kwargs {name}", replace(spec, kwargs={**spec.kwargs, name: "word"})
    if spec.includes != ():
        yield "includes", replace(spec, includes=())


def judge(key: str, presets: dict[str, Any]) -> list[str]:
    """Return what is wrong with a spec, or with its template."""
    source = CASES[key]
    engine = engine_of(source)
    watch = Watch(Log(), presets)
    with watch.watching(), contextlib.redirect_stdout(io.StringIO()):
        watch.log.template = template = engine.get_template("page.html")
        watch.rendered.clear()
        for render in [*renders(RENDERS), *(Render(seed, absent=0.7) for seed in range(100, 120))]:
            watch.run(template, render)
    found = problems(engine, watch)
    unknown = tree_of(engine, "page.html")["tags"]["unknown"]
    found += [f"{name} is not as the spec says" for name in unknown]
    for kind in {type(node) for node in template.nodelist if not type(node).__module__.startswith("django.")}:
        if kind not in watch.worked:
            found.append(f"{kind.__name__} never renders without an error: {sorted(set(watch.log.errors))}")
    found += [f"the walk differs: {difference}" for difference in differences(engine_of(source), "page.html")]
    spec = shipped()[key]
    commands = {command for command, function in commands_of(engine) if of_key(function, key)}
    found += names_kept(watch, spec, commands)
    if spec.writes and not list(names_kept(watch, dataclasses.replace(spec, writes=False), commands)):
        found.append("nobody misses writes")
    for name, weak in weaker(spec):
        tagspecs._tags[key] = weak
        tagspecs._generation += 1
        if not problems(engine, watch):
            found.append(f"nobody misses {name}")
        del tagspecs._tags[key]
    tagspecs._generation += 1
    return found


def commands_of(engine: Engine) -> Iterator[tuple[str, Any]]:
    """Yield the names of all tags and their functions."""
    for library in engine.template_libraries.values():
        yield from library.tags.items()


def of_key(function: Any, key: str) -> bool:
    """Return whether the function of a tag has the spec of that key."""
    return f"{function.__module__}:{getattr(function, '__qualname__', '')}" == key


def shipped() -> dict[str, TagSpec]:
    """Return all specs that we ship."""
    modules = sorted(set(tagspecs.SHIPPED.values()))
    return {
        key: spec
        for module in modules
        for key, spec in import_module(f"djust_ast.tagspecs.{module}").TAGS.items()
    }


def engine_of(source: str) -> Engine:
    """Return an engine with all libraries and one page; two packages have a library ``thumbnail``."""
    twins = {
        "thumbnail_easy": "easy_thumbnails.templatetags.thumbnail",
        "thumbnail_sorl": "sorl.thumbnail.templatetags.thumbnail",
    }
    libraries = get_installed_libraries() | {name: path for name, path in twins.items() if has(path)}
    loaders = [
        ("django.template.loaders.locmem.Loader", {"page.html": source}),
        "django.template.loaders.app_directories.Loader",
    ]
    return Engine(libraries=libraries, loaders=loaders)


def main(wanted: list[str]) -> int:
    """Print a line for each spec; return whether any is wrong."""
    from django.core.management import call_command

    warnings.simplefilter("ignore")
    logging.disable()
    is_sample = wanted[:1] == ["--sample"]
    wanted = wanted[is_sample:]
    set_up(INSTALLED[-1:] if is_sample else INSTALLED)
    call_command("migrate", run_syncdb=True, verbosity=0)
    specs = {key: spec for key, spec in shipped().items() if has(key) or not is_sample}
    wrong = [f"{key} has no template" for key in sorted(specs.keys() - CASES)]
    wrong += [f"{key} has no spec" for key in sorted(CASES.keys() - shipped())]
    presets = objects()
    for key in sorted(specs.keys() & CASES):
        if not wanted or any(word in key for word in wanted):
            wrong += [f"{key}: {problem}" for problem in judge(key, presets)]
    for line in wrong:
        print(line)  # noqa: T201
    packages = {key.partition(".")[0] for key in specs}
    print(f"{len(specs)} specs of {len(packages)} packages, {len(wrong)} problems")  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
