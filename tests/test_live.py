"""LiveViews over HTTP: what is the context, what is served, what stays as it is."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.template import Context, Template, TemplateDoesNotExist, TemplateSyntaxError
from django.test import RequestFactory

from djust_ast.demo.rentals.models import Lease, Property, Tenant
from djust_ast.live import LiveView
from djust_ast.live.view import _RESERVED as reserved

pytestmark = pytest.mark.django_db

DETAIL = "{{ lease.rent }} {{ lease.property.name }} {{ lease.tenant.user.email }}"
LIST = "{% for lease in leases %}" + DETAIL + ";{% endfor %}"


class Leases(LiveView):
    template = LIST

    def mount(self, request, **kwargs):
        self.leases = Lease.objects.all()[:7]


class OneLease(LiveView):
    template = DETAIL

    def mount(self, request, pk=None, **kwargs):
        self.lease = Lease.objects.get(pk=pk) if pk else Lease.objects.first()


def mounted(cls, *args, **kwargs):
    view = cls()
    view.mount(*(args or (None,)), **kwargs)
    return view


def page(view, **extra):
    return view.get_template().template.render(Context(view.get_context_data(**extra)))


def test_context_data_of_a_list_is_serialized_in_one_query(agency, django_assert_num_queries):
    view = mounted(Leases)
    with django_assert_num_queries(1):
        context = view.get_context_data()
    assert isinstance(context["leases"], list)
    lease = Lease.objects.all()[0]
    assert context["leases"][0] == {
        "rent": lease.rent,
        "property": {"name": lease.property.name},
        "tenant": {"user": {"email": lease.tenant.user.email}},
    }


def test_context_data_of_one_object_is_a_dict(agency):
    context = mounted(OneLease).get_context_data()
    assert isinstance(context["lease"], dict)
    lease = Lease.objects.first()
    assert context["lease"]["tenant"]["user"]["email"] == lease.tenant.user.email


def test_get_renders_the_page_of_live_objects(agency, django_assert_num_queries):
    request = RequestFactory().get("/")
    with django_assert_num_queries(1):
        response = Leases.as_view()(request)
    live = Template(LIST).render(Context({"leases": Lease.objects.all()[:7]}))
    assert response.content.decode() == live
    assert isinstance(response.live_view, Leases)


def test_url_arguments_reach_mount(agency):
    lease = Lease.objects.last()
    response = OneLease.as_view()(RequestFactory().get("/"), pk=lease.pk)
    assert lease.tenant.user.email in response.content.decode()


def test_override_with_super_adds_refines_and_replaces(agency, django_assert_num_queries):
    class Refined(Leases):
        template = LIST + "{% for p in properties %}{{ p.name }}{% endfor %}{{ tenant.user.email }}"

        def get_context_data(self, **kwargs):
            context = super().get_context_data(**kwargs)
            context["leases"] = Lease.objects.filter(status="active").order_by("pk")
            context["properties"] = list(Property.objects.all()[:3])
            context["tenant"] = Tenant.objects.first()
            return context

    view = mounted(Refined)
    with django_assert_num_queries(1 + 1 + 1 + 1):  # leases, the list, the tenant, the tenant's user
        context = view.get_context_data()
    assert isinstance(context["leases"], list)
    assert context["leases"][0].keys() == {"rent", "property", "tenant"}
    assert isinstance(context["properties"][0], dict)
    assert isinstance(context["tenant"], dict)


def test_override_can_refine_the_queryset_of_super(agency):
    class Active(Leases):
        def mount(self, request, **kwargs):
            self.leases = Lease.objects.all()

        def get_context_data(self, **kwargs):
            context = super().get_context_data(**kwargs)
            assert isinstance(context["leases"], QuerySet)
            context["leases"] = context["leases"].filter(status="ended").order_by("pk")
            return context

    context = mounted(Active).get_context_data()
    assert len(context["leases"]) == Lease.objects.filter(status="ended").count() > 0


def test_override_without_super(agency):
    class Bare(LiveView):
        template = LIST

        def get_context_data(self, **kwargs):
            return {"leases": Lease.objects.all()[:2]}

    assert [type(record) for record in mounted(Bare).get_context_data()["leases"]] == [dict, dict]


def test_override_by_a_mixin_that_is_no_liveview(agency):
    class Mixin:
        def get_context_data(self, **kwargs):
            return super().get_context_data(**kwargs) | {"leases": Lease.objects.all()[:3]}

    class Mixed(Mixin, LiveView):
        template = LIST

    context = mounted(Mixed).get_context_data()
    assert isinstance(context["leases"], list)
    assert len(context["leases"]) == 3


def test_hand_made_dicts_and_plain_values_pass_untouched(agency):
    rows = [{"rent": 1, "property": {"name": "x"}, "tenant": None}]

    class HandMade(Leases):
        def mount(self, request, **kwargs):
            self.leases = rows
            self.title = "plain"

    context = mounted(HandMade).get_context_data()
    assert context["leases"] is rows
    assert context["title"] == "plain"


def test_an_unread_model_passes_untouched_and_costs_nothing(agency, django_assert_num_queries):
    lease = Lease.objects.first()

    class Unread(LiveView):
        template = "{{ title }}"

        def mount(self, request, **kwargs):
            self.lease, self.others, self.title = lease, Lease.objects.all(), "t"

    view = mounted(Unread)
    with django_assert_num_queries(0):
        context = view.get_context_data()
    assert context["lease"] is lease
    assert isinstance(context["others"], QuerySet)


def test_context_is_the_public_attributes_of_the_instance_and_its_classes():
    class Base(LiveView):
        template = "{{ title }}"
        title = "from the class"
        _private = 1

        def method(self):
            return 1

        @property
        def computed(self):
            raise AssertionError("nobody asked")

    class Derived(Base):
        subtitle = "derived"

        def mount(self, request, **kwargs):
            self.count = 3
            self._hidden = 4
            self.call = print

    view = Derived()
    view.setup(RequestFactory().get("/"), 1, pk=2)
    view.mount(view.request)
    assert view.get_context_data(extra=5) == {
        "title": "from the class",
        "subtitle": "derived",
        "count": 3,
        "extra": 5,
    }


def test_a_related_manager_is_public(agency, django_assert_num_queries):
    class Related(LiveView):
        template = "{% for lease in leases.all %}{{ lease.rent }};{% endfor %}"

        def mount(self, request, **kwargs):
            self.leases = Lease.objects.first().property.leases

    view = mounted(Related)
    expected = "".join(f"{lease.rent};" for lease in view.leases.all())
    with django_assert_num_queries(1):
        assert page(view) == expected != ""


def test_what_djangos_mixins_define_is_not_context():
    class Private(LoginRequiredMixin, LiveView):
        template = "{{ login_url }}{{ title }}"
        title = "t"

    assert Private().get_context_data() == {"title": "t"}


def test_state_is_a_name_like_any_other():
    class Address(LiveView):
        template = "{{ state }}"

        def mount(self, request, **kwargs):
            self.state = "CA"

    assert page(mounted(Address)) == "CA"


def test_reserved_names_are_those_of_the_docs():
    docs = (Path(__file__).parent.parent / "docs/liveview.md").read_text()
    told = docs.split("These names are never context:")[1].split("\n\n")[0]
    public = {name for name in reserved if not name.startswith("_")}
    assert set(re.findall(r"`(\w+)`", told)) == public


def test_overrides_may_take_positional_arguments():
    class Positional(LiveView):
        template = "{{ title }}"

        def get_context_data(self, title="none", **kwargs):
            return super().get_context_data(title=title, **kwargs)

    assert Positional().get_context_data("given") == {"title": "given"}
    assert Positional().live_context("given", more=1) == {"title": "given", "more": 1}


def test_an_asynchronous_mount_is_refused_when_the_class_is_made():
    with pytest.raises(ImproperlyConfigured, match=r"Waiting\.mount is async; it is called synchronously"):

        class Waiting(LiveView):
            async def mount(self, request, **kwargs):
                pass


def test_a_queryset_on_the_class_is_fresh_in_every_request(agency):
    class Shared(LiveView):
        template = LIST
        leases = Lease.objects.filter(status="draft")

    list(Shared.leases)
    before = len(Shared().get_context_data()["leases"])
    lease = Lease.objects.exclude(status="draft").first()
    Lease.objects.filter(pk=lease.pk).update(status="draft")
    assert len(Shared().get_context_data()["leases"]) == before + 1


def test_template_string_is_another_name_for_template(agency):
    class Named(Leases):
        template = None
        template_string = LIST

    assert page(mounted(Named)) == page(mounted(Leases))


def test_live_context_is_not_serialized(agency):
    view = mounted(Leases)
    assert isinstance(view.live_context()["leases"], QuerySet)
    assert isinstance(view.get_context_data()["leases"], list)


def test_an_error_in_an_override_leaves_the_view_usable(agency):
    class Failing(Leases):
        fail = True

        def get_context_data(self, **kwargs):
            if self.fail:
                raise ValueError("mine")
            return super().get_context_data(**kwargs)

    view = mounted(Failing)
    with pytest.raises(ValueError, match="mine"):
        view.get_context_data()
    view.fail = False
    assert isinstance(view.get_context_data()["leases"], list)


class TestTemplates:
    """What is wrong with a template is said as Django says it."""

    def test_none_at_all(self):
        with pytest.raises(ImproperlyConfigured, match="template_name, template or template_string"):
            LiveView().get_context_data()

    def test_missing(self):
        class Absent(LiveView):
            template_name = "no/such.html"

        with pytest.raises(TemplateDoesNotExist):
            Absent().get_context_data()

    def test_malformed(self):
        class Malformed(LiveView):
            template = "{% if %}"

        with pytest.raises(TemplateSyntaxError):
            Malformed().get_context_data()

    def test_unknown_library(self):
        class Unknown(LiveView):
            template = "{% load no_such_library %}"

        with pytest.raises(TemplateSyntaxError, match="no_such_library"):
            Unknown().get_context_data()

    def test_empty(self, agency, django_assert_num_queries):
        class Empty(Leases):
            template = ""

        view = mounted(Empty)
        with django_assert_num_queries(0):
            assert page(view) == ""
