"""The pages. A view assigns querysets and models, and the template decides what is fetched."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect

from djust_ast.live import LiveView

from .forms import LeaseForm
from .models import Expense, Lease, MaintenanceRequest, Owner, Payment, Property, Tag, Tenant
from .today import TODAY


class Page(LiveView):
    """What every page of the agency has."""

    section = ""
    today = TODAY


class Dashboard(Page):
    """The newest properties, the repairs to do, the leases that end soon."""

    template_name = "rentals/dashboard.html"
    section = "dashboard"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.properties = Property.objects.order_by("-listed_at", "pk")[:20]
        self.pending_maintenance = MaintenanceRequest.objects.filter(
            status__in=["open", "in_progress"]
        ).order_by("-priority", "created_at", "pk")[:15]
        self.expiring_soon = Lease.objects.expiring(TODAY)[:15]


class PropertyList(Page):
    """All properties."""

    template_name = "rentals/property_list.html"
    section = "properties"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.properties = Property.objects.all()
        self.tags = Tag.objects.all()


class PropertyDetail(Page):
    """One property, with its photos, leases, payments and repairs."""

    template_name = "rentals/property_detail.html"
    section = "properties"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.property = get_object_or_404(Property, pk=pk)


class TagDetail(Page):
    """The properties with a tag."""

    template_name = "rentals/tag_detail.html"
    section = "properties"

    def mount(self, request: HttpRequest | None, slug: str = "", **kwargs: Any) -> None:
        self.tag = get_object_or_404(Tag, slug=slug)


class OwnerList(Page):
    """All owners, with their properties."""

    template_name = "rentals/owner_list.html"
    section = "owners"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.owners = Owner.objects.all()


class OwnerStatement(Page):
    """What an owner's properties brought in and cost."""

    template_name = "rentals/owner_statement.html"
    section = "owners"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.owner = get_object_or_404(Owner, pk=pk)


class TenantList(Page):
    """All tenants, by letter."""

    template_name = "rentals/tenant_list.html"
    section = "tenants"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.tenants = Tenant.objects.all()


class TenantDetail(Page):
    """One tenant, with leases, co-signed leases and repairs."""

    template_name = "rentals/tenant_detail.html"
    section = "tenants"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.tenant = get_object_or_404(Tenant, pk=pk)


class LeaseList(Page):
    """The latest leases."""

    template_name = "rentals/lease_list.html"
    section = "leases"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.leases = Lease.objects.all()[:50]


class LeaseDetail(Page):
    """One lease, with its payments."""

    template_name = "rentals/lease_detail.html"
    section = "leases"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.lease = get_object_or_404(Lease, pk=pk)


class LeaseEdit(Page):
    """The form of a lease."""

    template_name = "rentals/lease_form.html"
    section = "leases"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.lease = get_object_or_404(Lease, pk=pk)
        data = request.POST if request is not None and request.method == "POST" else None
        self.form = LeaseForm(data, instance=self.lease)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Save the lease, or show the form again with what is wrong."""
        form = LeaseForm(request.POST, instance=get_object_or_404(Lease, pk=kwargs["pk"]))
        if not form.is_valid():
            return self.get(request, *args, **kwargs)
        lease = form.save()
        messages.success(request, f"{lease} saved.")
        return redirect(lease)


class MaintenanceList(Page):
    """All repairs, the most urgent first."""

    template_name = "rentals/maintenance_list.html"
    section = "maintenance"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.requests = MaintenanceRequest.objects.order_by("-priority", "-created_at", "pk")


class MaintenanceDetail(Page):
    """One repair, and what it cost."""

    template_name = "rentals/maintenance_detail.html"
    section = "maintenance"

    def mount(self, request: HttpRequest | None, pk: int = 0, **kwargs: Any) -> None:
        self.repair = get_object_or_404(MaintenanceRequest, pk=pk)


class PaymentReport(Page):
    """The latest payments, by month."""

    template_name = "rentals/payment_report.html"
    section = "payments"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.payments = Payment.objects.all()[:120]


class ExpenseReport(Page):
    """The expenses of every property that had some."""

    template_name = "rentals/expense_report.html"
    section = "expenses"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.expenses = Expense.objects.all()
        self.latest = Expense.objects.filter(request__isnull=False)[:10]


class Report(Page):
    """What to look at today: widgets that name their templates, on the page or on paper (``?print=1``)."""

    template_name = "rentals/report.html"
    section = "report"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        asked = QueryDict() if request is None else request.GET
        self.layout = "rentals/paper.html" if asked.get("print") else "rentals/base.html"
        widgets = {
            "overdue": {
                "title": "Overdue rent",
                "template": "rentals/widgets/overdue.html",
                "payments": Payment.objects.filter(status="late").order_by("due", "pk")[:12],
            },
            "repairs": {
                "title": "Repairs to assign",
                "template": "rentals/widgets/repairs.html",
                "repairs": MaintenanceRequest.objects.filter(assigned_to=None).order_by("-priority", "pk")[
                    :12
                ],
            },
            "costs": {
                "title": "Largest expenses",
                "template": "rentals/widgets/costs.html",
                "expenses": Expense.objects.order_by("-amount", "pk")[:12],
            },
        }
        shown = [name for name in asked.getlist("show") if name in widgets]
        self.widgets = [widgets[name] for name in shown or widgets]


class Search(Page):
    """Properties and tenants whose name or city contains what is asked for."""

    template_name = "rentals/search.html"
    section = "search"

    def mount(self, request: HttpRequest | None, **kwargs: Any) -> None:
        self.q = "" if request is None else request.GET.get("q", "").strip()
        found = Q(name__icontains=self.q) | Q(city__icontains=self.q) | Q(tags__name__icontains=self.q)
        people = Q(user__last_name__icontains=self.q) | Q(user__email__icontains=self.q)
        self.properties = Property.objects.filter(found).distinct() if self.q else Property.objects.none()
        self.tenants = Tenant.objects.filter(people) if self.q else Tenant.objects.none()
