"""The data of a rental agency, with every kind of relation that a template can walk."""

# Several models have a relation named `property`, which hides the decorator in their class bodies.
import builtins
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse

from .today import TODAY


class Owner(models.Model):
    """Somebody who lets the agency rent out their properties."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="owner")
    referred_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="referrals"
    )
    company = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=30)
    commission = models.DecimalField("commission in percent", max_digits=4, decimal_places=2)
    since = models.DateField()
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ("since", "pk")

    def __str__(self) -> str:
        return self.company or self.full_name

    def get_absolute_url(self) -> str:
        """Return the address of the owner's statement."""
        return reverse("rentals:owner-statement", args=[self.pk])

    @property
    def full_name(self) -> str:
        """Return first and last name of the person."""
        return f"{self.user.first_name} {self.user.last_name}"


class Tag(models.Model):
    """A label on properties."""

    class Color(models.TextChoices):
        """The colors that a label may have."""

        GREEN = "green", "Green"
        BLUE = "blue", "Blue"
        AMBER = "amber", "Amber"
        GREY = "grey", "Grey"

    name = models.CharField(max_length=40, unique=True)
    slug = models.SlugField(unique=True)
    color = models.CharField(max_length=10, choices=Color.choices, default=Color.GREY)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the list of properties with this label."""
        return reverse("rentals:tag-detail", args=[self.slug])


class Property(models.Model):
    """A home to rent."""

    class Kind(models.TextChoices):
        """What sort of home it is."""

        APARTMENT = "apartment", "Apartment"
        HOUSE = "house", "House"
        STUDIO = "studio", "Studio"
        LOFT = "loft", "Loft & studio"
        ROOM = "room", "Room"

    class Status(models.TextChoices):
        """Whether it can be rented."""

        AVAILABLE = "available", "Available"
        OCCUPIED = "occupied", "Occupied"
        RENOVATION = "renovation", "Under renovation"

    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="properties")
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="managed_properties",
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="properties")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    status = models.CharField(max_length=12, choices=Status.choices)
    street = models.CharField(max_length=80)
    postcode = models.CharField(max_length=10)
    city = models.CharField(max_length=40)
    description = models.TextField(blank=True)
    rent = models.DecimalField("monthly rent", max_digits=8, decimal_places=2)
    size = models.DecimalField("size in square metres", max_digits=6, decimal_places=1)
    rooms = models.PositiveSmallIntegerField()
    furnished = models.BooleanField(default=False)
    built = models.DateField(null=True, blank=True)
    listed_at = models.DateTimeField()

    class Meta:
        ordering = ("city", "name", "pk")
        verbose_name_plural = "properties"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the property's page."""
        return reverse("rentals:property-detail", args=[self.pk])

    @property
    def address(self) -> str:
        """Return the address on one line."""
        return f"{self.street}, {self.postcode} {self.city}"

    def rent_per_square_metre(self) -> Decimal:
        """Return the monthly rent of one square metre."""
        return round(self.rent / self.size, 2)

    def open_requests(self) -> "list[MaintenanceRequest]":
        """Return the repairs that are not done yet."""
        return [request for request in self.maintenancerequest_set.all() if request.is_open]


class Insurance(models.Model):
    """The insurance of a property; some have none."""

    property = models.OneToOneField(Property, on_delete=models.CASCADE, related_name="insurance")
    company = models.CharField(max_length=60)
    policy = models.CharField(max_length=30)
    premium = models.DecimalField("yearly premium", max_digits=8, decimal_places=2)
    valid_until = models.DateField()

    class Meta:
        ordering = ("valid_until", "pk")

    def __str__(self) -> str:
        return f"{self.company} {self.policy}"


class Photo(models.Model):
    """A picture of a property; the path is one below the static files."""

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="photos")
    path = models.CharField(max_length=120)
    caption = models.CharField(max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.caption or self.path


class Tenant(models.Model):
    """Somebody who rents a home."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tenant")
    phone = models.CharField(max_length=30, blank=True)
    employer = models.CharField(max_length=80, blank=True)
    income = models.DecimalField("monthly income", max_digits=9, decimal_places=2, null=True, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    since = models.DateField()

    class Meta:
        ordering = ("user__last_name", "user__first_name", "pk")

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        """Return the address of the tenant's page."""
        return reverse("rentals:tenant-detail", args=[self.pk])

    @property
    def full_name(self) -> str:
        """Return first and last name of the person."""
        return f"{self.user.first_name} {self.user.last_name}"


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Leases, by where they stand."""

    def active(self) -> Self:
        """Return the leases that run."""
        return self.filter(status=Lease.Status.ACTIVE)

    def expiring(self, today: date, days: int = 60) -> Self:
        """Return the running leases that end within ``days`` of ``today``, the first to end first."""
        return self.active().filter(end__range=(today, today + timedelta(days))).order_by("end", "pk")


class Lease(models.Model):
    """The contract between a tenant and the agency."""

    class Status(models.TextChoices):
        """Where the contract stands."""

        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        ENDED = "ended", "Ended"
        TERMINATED = "terminated", "Terminated early"

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="leases")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="leases")
    co_signer = models.ForeignKey(
        Tenant, on_delete=models.SET_NULL, null=True, blank=True, related_name="co_signed_leases"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    rent = models.DecimalField("monthly rent", max_digits=8, decimal_places=2)
    deposit = models.DecimalField(max_digits=8, decimal_places=2)
    terms = models.TextField(blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Lease"]] = LeaseQuerySet.as_manager()

    class Meta:
        ordering = ("-start", "pk")

    def __str__(self) -> str:
        return f"Lease {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of the lease's page."""
        return reverse("rentals:lease-detail", args=[self.pk])

    @builtins.property
    def days_left(self) -> int | None:
        """Return the days until the end, or ``None`` where there is no end."""
        return None if self.end is None else (self.end - TODAY).days

    @builtins.property
    def is_expiring_soon(self) -> bool:
        """Tell whether it runs and ends within thirty days."""
        return self.status == "active" and self.days_left is not None and 0 <= self.days_left <= 30

    def total_paid(self) -> Decimal:
        """Return what has arrived so far."""
        return sum((payment.amount for payment in self.payments.all() if payment.is_settled), Decimal("0.00"))


class Payment(models.Model):
    """A month's rent, paid or to be paid."""

    class Method(models.TextChoices):
        """How it is paid."""

        TRANSFER = "transfer", "Bank transfer"
        DEBIT = "debit", "Direct debit"
        CARD = "card", "Card"
        CASH = "cash", "Cash"

    class Status(models.TextChoices):
        """Where the payment stands."""

        PENDING = "pending", "Pending"
        PAID = "paid", "Paid"
        LATE = "late", "Late"
        FAILED = "failed", "Failed"

    lease = models.ForeignKey(Lease, on_delete=models.CASCADE, related_name="payments")
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    method = models.CharField(max_length=10, choices=Method.choices)
    status = models.CharField(max_length=10, choices=Status.choices)
    due = models.DateField()
    paid_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ("-due", "pk")

    def __str__(self) -> str:
        return f"{self.amount} due {self.due}"

    @property
    def is_settled(self) -> bool:
        """Tell whether the money is there."""
        return self.status == "paid"


class MaintenanceRequest(models.Model):
    """Something to repair, reported by a tenant or found by the agency."""

    class Priority(models.IntegerChoices):
        """How soon it has to be done."""

        LOW = 1, "Low"
        NORMAL = 2, "Normal"
        HIGH = 3, "High"
        URGENT = 4, "Urgent"

    class Status(models.TextChoices):
        """Where the work stands."""

        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        REJECTED = "rejected", "Won't do"

    # No related_name on the first two: templates read `maintenancerequest_set`.
    property = models.ForeignKey(Property, on_delete=models.CASCADE)
    tenant = models.ForeignKey(Tenant, on_delete=models.SET_NULL, null=True, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assignments",
    )
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField()
    due = models.DateField(null=True, blank=True)
    estimate = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of the request's page."""
        return reverse("rentals:maintenance-detail", args=[self.pk])

    @builtins.property
    def is_open(self) -> bool:
        """Tell whether there is work left."""
        return self.status in ("open", "in_progress")

    @builtins.property
    def is_overdue(self) -> bool:
        """Tell whether it should have been done by now."""
        return self.is_open and self.due is not None and self.due < TODAY


class Expense(models.Model):
    """Money spent on a property."""

    class Category(models.TextChoices):
        """What the money was spent on."""

        REPAIR = "repair", "Repairs"
        TAX = "tax", "Taxes & fees"
        UTILITIES = "utilities", "Utilities"
        GARDEN = "garden", "Garden"
        INSURANCE = "insurance", "Insurance"

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="expenses")
    request = models.ForeignKey(
        MaintenanceRequest, on_delete=models.SET_NULL, null=True, blank=True, related_name="expenses"
    )
    category = models.CharField(max_length=12, choices=Category.choices)
    vendor = models.CharField(max_length=80)
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    date = models.DateField()
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-date", "pk")

    def __str__(self) -> str:
        return f"{self.vendor}: {self.amount}"
