"""Rows for the demo: the same on every run, with the NULLs and odd characters that real data has."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, models, transaction

from .rentals.models import (
    Expense,
    Insurance,
    Lease,
    MaintenanceRequest,
    Owner,
    Payment,
    Photo,
    Property,
    Tag,
    Tenant,
)
from .rentals.today import TODAY

DOMAIN = "rentals.example"
TABLES = (Expense, Payment, MaintenanceRequest, Lease, Photo, Insurance, Property, Tag, Tenant, Owner)

FIRST_NAMES = """
    Zoë Ana Łukasz Søren José Aoife Björn Chloé Dmitri Emma Fatima Giulia Hiroshi Ines Jürgen Kwame Leïla
    Mateusz Nora Oğuz Priya Quentin René Siân Tomáš Uma Violeta Wendy Ximena Yusuf
"""
LAST_NAMES = """
    Müller O'Brien Żak Ødegård Núñez D'Angelo Åkesson Lefèvre Иванов Smith García 李 Yıldız Okafor Novák
    Đorđević Schröder Papadopoulos MacLeod Nguyễn Rossi Haddad Silva Þórsson Kovács
"""
COMPANIES = (
    "Smith & Sons",
    "",
    'Immobilien "Zur Sonne" GmbH',
    "",
    "Casa <b>Blanca</b> Ltd",
    "",
    "100% Homes",
    "",
)
CITIES = (
    ("Berlin", "10115"),
    ("Zürich", "8001"),
    ("Kraków", "31-001"),
    ("Málaga", "29001"),
    ("Århus", "8000"),
)
STREETS = ("Lindenstraße", "Rue de l'Église", "High Street", "Calle Mayor", "Ulica Długa", "Nørregade")
HOMES = (
    "Linden Court",
    "Loft <No. 5>",
    'Villa "Rosé"',
    "Garden & Sky",
    "The Old Bakery",
    "Casa Niño",
    "100% Sun",
    "Dach & Fach",
    "Harbour View",
    "Königshof",
    "L'Atelier",
    "Studio Ærø",
)
DESCRIPTIONS = (
    "Bright corner flat under the roof.\n\nTwo minutes to the tram & the park. 🌳",
    "Quiet courtyard, new kitchen; heating is <b>included</b>.",
    'The neighbours call it "the lighthouse". Deposit: 3 months, 5% off for the first year.',
    "",
    "Ground floor, step-free.\nPets welcome 🐈 – ask first.",
)
TAGS = (
    ("Balcony", "green"),
    ("Pets & kids", "blue"),
    ("Garden", "green"),
    ("Parking", "grey"),
    ("Élite", "amber"),
    ("Near school", "blue"),
    ("<10 min to centre", "grey"),
    ("Lift", "grey"),
)
REPAIRS = (
    ("Tap drips & won't stop", "It drips <i>all</i> night. 💧\n\nPlease ring first."),
    ('Heating "broken"', "Only 14 °C in the living room, 60% humidity."),
    ("Window doesn't close", "Left window in the bedroom."),
    ("Mould in the bath", ""),
    ("Lock is stiff", "Key no. 3 < key no. 1 > nothing works & it rains."),
    ("Lift stuck on floor 2", "Third time this year 😩"),
    ("Roof tiles loose", "Found on the yearly inspection."),
    ("Socket sparks ⚡", "<script>alert('sparks')</script>"),
)
EMPLOYERS = ("", "Hôpital St. Jean", "Bäckerei Krüger & Söhne", "University", "Self-employed", "Acme <Ltd>")
TERMS = ("", "No subletting.\n\nNotice: three months, in writing.", "Pets allowed: 1 cat & 1 dog, <40 kg>.")
VENDORS = ("Klempner & Co", "Elektro Łoś", "Green Thumb", 'Malerei "Bunt"', "City of Zürich", "Axa O'Hara")
PHOTOS = ("brick", "garden", "harbour", "loft", "roof", "villa")
CAPTIONS = (
    "The front, in May",
    'The "blue" room',
    "Kitchen & dining",
    "",
    "View <from the roof>",
    "Garten 🌻",
)


def seed(scale: int = 1, *, today: date = TODAY, random_seed: int = 7) -> None:
    """Replace the rows of the demo; those of equal arguments are equal."""
    with transaction.atomic():
        _flush()
        _Agency(scale, today, Random(random_seed)).build()
        _reset_sequences()


def is_seeded() -> bool:
    """Tell whether there is anything to show."""
    return Property.objects.exists()


class _Agency:
    """The rows in the order in which they depend on each other; their keys count from 1."""

    def __init__(self, scale: int, today: date, random: Random) -> None:
        self.scale, self.today, self.random = scale, today, random

    def build(self) -> None:
        staff = self.users("staff", 4)
        owners = self.owners(8 * self.scale)
        tenants = self.tenants(120 * self.scale)
        homes = self.properties(60 * self.scale, owners, staff)
        leases = self.leases(150 * self.scale, homes, tenants)
        self.payments(leases, 4)
        requests = self.requests(100 * self.scale, homes, leases, staff)
        self.expenses(90 * self.scale, homes, requests)

    def users(self, role: str, count: int) -> list[User]:
        users, first_names, last_names = [], FIRST_NAMES.split(), LAST_NAMES.split()
        for n in range(count):
            first, last = self.random.choice(first_names), self.random.choice(last_names)
            name = f"{role}-{n + 1}"
            email = f"{name}@{DOMAIN}"
            # "!" is what Django stores for somebody who cannot log in.
            users.append(User(username=email, first_name=first, last_name=last, email=email, password="!"))
        return User.objects.bulk_create(users)

    def owners(self, count: int) -> list[Owner]:
        owners = [
            Owner(
                pk=n + 1,
                user=user,
                referred_by_id=None if n % 3 == 0 else n,
                company=COMPANIES[n % len(COMPANIES)],
                phone=self.phone(),
                commission=self.decimal(4, 12),
                since=self.today - timedelta(days=self.random.randrange(400, 4000)),
                notes=""
                if n % 2
                else 'Prefers e-mail & hates "surprises".\n\n<em>5%</em> discount agreed. 🤝',
            )
            for n, user in enumerate(self.users("owner", count))
        ]
        return Owner.objects.bulk_create(owners)

    def tenants(self, count: int) -> list[Tenant]:
        tenants = [
            Tenant(
                pk=n + 1,
                user=user,
                phone="" if self.chance(0.2) else self.phone(),
                employer=self.random.choice(EMPLOYERS),
                income=None if self.chance(0.25) else self.decimal(1500, 9000),
                birth_date=None if self.chance(0.2) else date(1955, 1, 1) + self.days(0, 18000),
                since=self.today - self.days(30, 2500),
            )
            for n, user in enumerate(self.users("tenant", count))
        ]
        return Tenant.objects.bulk_create(tenants)

    def properties(self, count: int, owners: Sequence[Owner], staff: Sequence[User]) -> list[Property]:
        tags = Tag.objects.bulk_create(
            Tag(pk=n + 1, name=name, slug=f"tag-{n + 1}", color=color) for n, (name, color) in enumerate(TAGS)
        )
        homes: list[Property] = []
        insurances: list[Insurance] = []
        photos: list[Photo] = []
        tagged = []
        for pk in range(1, count + 1):
            city, postcode = self.random.choice(CITIES)
            size = Decimal(self.random.randrange(180, 1800)) / 10
            home = Property(
                pk=pk,
                owner=self.random.choice(owners),
                manager=None if self.chance(0.3) else self.random.choice(staff),
                name=f"{HOMES[pk % len(HOMES)]} {pk}",
                kind=self.random.choice(Property.Kind.values),
                status=self.random.choices(Property.Status.values, weights=(2, 6, 1))[0],
                street=f"{self.random.choice(STREETS)} {self.random.randrange(1, 140)}",
                postcode=postcode,
                city=city,
                description=self.random.choice(DESCRIPTIONS),
                rent=size * self.random.randrange(9, 24),
                size=size,
                rooms=int(size) // 30 + 1,
                furnished=self.chance(0.3),
                built=None if self.chance(0.2) else date(1890, 1, 1) + self.days(0, 48000),
                listed_at=self.moment(self.today - self.days(0, 900)),
            )
            homes.append(home)
            if not self.chance(0.35):
                insurances.append(
                    Insurance(
                        pk=len(insurances) + 1,
                        property=home,
                        company=self.random.choice(("Helvetia", "Łódź Życie", "Smith & Wollensky")),
                        policy=f"P-{pk:05}",
                        premium=self.decimal(90, 900),
                        valid_until=self.today + self.days(-60, 700),
                    )
                )
            for position in range(self.random.randrange(4)):
                photos.append(
                    Photo(
                        pk=len(photos) + 1,
                        property=home,
                        path=f"rentals/photos/{self.random.choice(PHOTOS)}.svg",
                        caption=self.random.choice(CAPTIONS),
                        position=position,
                    )
                )
            for tag in self.random.sample(tags, self.random.randrange(4)):
                tagged.append(Property.tags.through(property=home, tag=tag))
        Property.objects.bulk_create(homes)
        Insurance.objects.bulk_create(insurances)
        Photo.objects.bulk_create(photos)
        Property.tags.through.objects.bulk_create(tagged)
        return homes

    def leases(self, count: int, homes: Sequence[Property], tenants: Sequence[Tenant]) -> list[Lease]:
        leases = []
        for n in range(count):
            # One running lease a home, and the ones before it.
            home, years_ago = homes[n % len(homes)], n // len(homes)
            if years_ago:
                status = self.random.choice((Lease.Status.ENDED, Lease.Status.TERMINATED))
                end = self.today - timedelta(days=365 * years_ago) + self.days(0, 300)
            else:
                status = Lease.Status.DRAFT if n % 12 == 7 else Lease.Status.ACTIVE
                end = self.today + (self.days(2, 60) if n % 3 == 0 else self.days(61, 500))
            start = end - timedelta(days=365)
            tenant, co_signer = self.random.sample(tenants, 2)
            leases.append(
                Lease(
                    pk=n + 1,
                    property=home,
                    tenant=tenant,
                    co_signer=None if self.chance(0.4) else co_signer,
                    status=status,
                    start=start,
                    end=None if n % 10 == 4 else end,
                    rent=home.rent,
                    deposit=home.rent * 3,
                    terms=self.random.choice(TERMS),
                    signed_at=None if status == Lease.Status.DRAFT else self.moment(start - self.days(1, 40)),
                )
            )
        return Lease.objects.bulk_create(leases)

    def payments(self, leases: Iterable[Lease], each: int) -> None:
        payments: list[Payment] = []
        for lease in leases:
            last = lease.end if lease.status in ("ended", "terminated") and lease.end else self.today
            first_of_month = last.replace(day=1)
            for _ in range(each):
                status = self.random.choices(Payment.Status.values, weights=(1, 8, 1, 1))[0]
                payments.append(
                    Payment(
                        pk=len(payments) + 1,
                        lease=lease,
                        amount=lease.rent,
                        method=self.random.choice(Payment.Method.values),
                        status=status,
                        due=first_of_month,
                        paid_at=self.moment(first_of_month + self.days(0, 9)) if status == "paid" else None,
                        reference="" if self.chance(0.3) else f"RENT/{lease.pk}&{first_of_month:%m}",
                    )
                )
                first_of_month = (first_of_month - timedelta(days=1)).replace(day=1)
        Payment.objects.bulk_create(payments)

    def requests(
        self, count: int, homes: Sequence[Property], leases: Sequence[Lease], staff: Sequence[User]
    ) -> list[MaintenanceRequest]:
        requests = []
        for n in range(count):
            lease = self.random.choice(leases)
            found_by_agency = self.chance(0.25)
            title, description = self.random.choice(REPAIRS)
            created = self.today - self.days(1, 200)
            requests.append(
                MaintenanceRequest(
                    pk=n + 1,
                    property=self.random.choice(homes) if found_by_agency else lease.property,
                    tenant=None if found_by_agency else lease.tenant,
                    assigned_to=None if self.chance(0.35) else self.random.choice(staff),
                    title=title,
                    description=description,
                    priority=self.random.choice(MaintenanceRequest.Priority.values),
                    status=self.random.choices(MaintenanceRequest.Status.values, weights=(4, 3, 4, 1))[0],
                    created_at=self.moment(created),
                    due=None if self.chance(0.3) else created + self.days(5, 90),
                    estimate=None if self.chance(0.4) else self.decimal(40, 2500),
                )
            )
        return MaintenanceRequest.objects.bulk_create(requests)

    def expenses(self, count: int, homes: Sequence[Property], requests: Sequence[MaintenanceRequest]) -> None:
        expenses = []
        for n in range(count):
            request = self.random.choice(requests) if self.chance(0.4) else None
            expenses.append(
                Expense(
                    pk=n + 1,
                    property=request.property if request else self.random.choice(homes),
                    request=request,
                    category=Expense.Category.REPAIR
                    if request
                    else self.random.choice(Expense.Category.values),
                    vendor=self.random.choice(VENDORS),
                    amount=self.decimal(20, 1800),
                    date=self.today - self.days(1, 360),
                    note=""
                    if self.chance(0.5)
                    else 'Paid at once, 2% off; "as agreed" with <the owner> & tenant.',
                )
            )
        Expense.objects.bulk_create(expenses)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def days(self, least: int, most: int) -> timedelta:
        return timedelta(days=self.random.randint(least, most))

    def decimal(self, least: int, most: int) -> Decimal:
        return Decimal(self.random.randrange(least * 100, most * 100)) / 100

    def moment(self, day: date) -> datetime:
        return datetime.combine(day, time(self.random.randrange(6, 22), self.random.randrange(60)), UTC)

    def phone(self) -> str:
        return f"+49 30 {self.random.randrange(10**6, 10**7)}"


def _flush() -> None:
    for model in TABLES:
        model._default_manager.all().delete()
    User.objects.filter(email__endswith=f"@{DOMAIN}").delete()


def _reset_sequences() -> None:
    """Let the keys that the database hands out start behind ours."""
    tables: list[type[models.Model]] = [*TABLES]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
