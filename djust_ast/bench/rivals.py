"""The hand-written code that is measured against, for three sets of paths of a lease.

S: plain columns over three foreign keys, nothing that could be inlined. N: the same with fewer of them behind the
keys, where the least can be gained. M: a nullable chain, and two labels. F: what methods and properties say of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from djust_ast.demo.rentals.models import Lease, Property

Rows = list[dict[str, Any]]

S = (
    *("id", "end", "property.name", "property.city"),
    *("tenant.phone", "tenant.user.first_name", "tenant.user.email"),
)
N = ("id", "start", "rent", "property.name", "property.city", "tenant.phone", "tenant.user.email")
M = (
    *("id", "status", "get_status_display", "start", "end", "rent", "deposit"),
    *("property.name", "property.street", "property.city", "property.get_kind_display"),
    *("tenant.phone", "tenant.user.first_name", "tenant.user.email"),
    *("co_signer.phone", "co_signer.user.email"),
)
F = (
    *("id", "rent", "property.address", "property.city"),
    *("tenant.user.get_full_name", "tenant.user.email", "co_signer.user.get_full_name"),
)
# What the relations of each need.
JOINS = {
    S: ("property", "tenant__user"),
    N: ("property", "tenant__user"),
    M: ("property", "tenant__user", "co_signer__user"),
    F: ("property", "tenant__user", "co_signer__user"),
}


def naive_s(leases: Iterable[Lease]) -> Rows:
    """The comprehension that everybody writes first."""
    return [
        {
            "id": lease.id,
            "end": lease.end,
            "property": {"name": lease.property.name, "city": lease.property.city},
            "tenant": {
                "phone": lease.tenant.phone,
                "user": {"first_name": lease.tenant.user.first_name, "email": lease.tenant.user.email},
            },
        }
        for lease in leases
    ]


def checked_s(leases: Iterable[Lease]) -> Rows:
    """The same, safe for any foreign key that is NULL."""
    return [
        {
            "id": lease.id,
            "end": lease.end,
            "property": {"name": lease.property.name, "city": lease.property.city}
            if lease.property
            else None,
            "tenant": {
                "phone": lease.tenant.phone,
                "user": {"first_name": lease.tenant.user.first_name, "email": lease.tenant.user.email}
                if lease.tenant.user
                else None,
            }
            if lease.tenant
            else None,
        }
        for lease in leases
    ]


def expert_s(leases: Iterable[Lease]) -> Rows:
    """A loop that reads each foreign key once."""
    rows: Rows = []
    append = rows.append
    for lease in leases:
        home = lease.property
        tenant = lease.tenant
        user = tenant.user
        append(
            {
                "id": lease.id,
                "end": lease.end,
                "property": {"name": home.name, "city": home.city},
                "tenant": {
                    "phone": tenant.phone,
                    "user": {"first_name": user.first_name, "email": user.email},
                },
            }
        )
    return rows


def values_s(leases: QuerySet[Lease]) -> Rows:
    """``values()``, nested by hand."""
    columns = (
        "id",
        "end",
        "property__name",
        "property__city",
        "tenant__phone",
        "tenant__user__first_name",
        "tenant__user__email",
    )
    return [
        {
            "id": row["id"],
            "end": row["end"],
            "property": {"name": row["property__name"], "city": row["property__city"]},
            "tenant": {
                "phone": row["tenant__phone"],
                "user": {"first_name": row["tenant__user__first_name"], "email": row["tenant__user__email"]},
            },
        }
        for row in leases.values(*columns)
    ]


def naive_n(leases: Iterable[Lease]) -> Rows:
    """The comprehension that everybody writes first."""
    return [
        {
            "id": lease.id,
            "start": lease.start,
            "rent": lease.rent,
            "property": {"name": lease.property.name, "city": lease.property.city},
            "tenant": {"phone": lease.tenant.phone, "user": {"email": lease.tenant.user.email}},
        }
        for lease in leases
    ]


def checked_n(leases: Iterable[Lease]) -> Rows:
    """The same, safe for any foreign key that is NULL."""
    return [
        {
            "id": lease.id,
            "start": lease.start,
            "rent": lease.rent,
            "property": {"name": lease.property.name, "city": lease.property.city}
            if lease.property
            else None,
            "tenant": {
                "phone": lease.tenant.phone,
                "user": {"email": lease.tenant.user.email} if lease.tenant.user else None,
            }
            if lease.tenant
            else None,
        }
        for lease in leases
    ]


def expert_n(leases: Iterable[Lease]) -> Rows:
    """A loop that reads each foreign key once."""
    rows: Rows = []
    append = rows.append
    for lease in leases:
        home = lease.property
        tenant = lease.tenant
        append(
            {
                "id": lease.id,
                "start": lease.start,
                "rent": lease.rent,
                "property": {"name": home.name, "city": home.city},
                "tenant": {"phone": tenant.phone, "user": {"email": tenant.user.email}},
            }
        )
    return rows


def naive_m(leases: Iterable[Lease]) -> Rows:
    """The comprehension that everybody writes first; only the co-signer may be missing."""
    return [
        {
            "id": lease.id,
            "status": lease.status,
            "get_status_display": lease.get_status_display(),
            "start": lease.start,
            "end": lease.end,
            "rent": lease.rent,
            "deposit": lease.deposit,
            "property": {
                "name": lease.property.name,
                "street": lease.property.street,
                "city": lease.property.city,
                "get_kind_display": lease.property.get_kind_display(),
            },
            "tenant": {
                "phone": lease.tenant.phone,
                "user": {"first_name": lease.tenant.user.first_name, "email": lease.tenant.user.email},
            },
            "co_signer": {"phone": lease.co_signer.phone, "user": {"email": lease.co_signer.user.email}}
            if lease.co_signer
            else None,
        }
        for lease in leases
    ]


def checked_m(leases: Iterable[Lease]) -> Rows:
    """The same, safe for any foreign key that is NULL."""
    return [
        {
            "id": lease.id,
            "status": lease.status,
            "get_status_display": lease.get_status_display(),
            "start": lease.start,
            "end": lease.end,
            "rent": lease.rent,
            "deposit": lease.deposit,
            "property": {
                "name": lease.property.name,
                "street": lease.property.street,
                "city": lease.property.city,
                "get_kind_display": lease.property.get_kind_display(),
            }
            if lease.property
            else None,
            "tenant": {
                "phone": lease.tenant.phone,
                "user": {"first_name": lease.tenant.user.first_name, "email": lease.tenant.user.email}
                if lease.tenant.user
                else None,
            }
            if lease.tenant
            else None,
            "co_signer": {
                "phone": lease.co_signer.phone,
                "user": {"email": lease.co_signer.user.email} if lease.co_signer.user else None,
            }
            if lease.co_signer
            else None,
        }
        for lease in leases
    ]


def expert_m(leases: Iterable[Lease]) -> Rows:
    """A loop that reads each foreign key once."""
    rows: Rows = []
    append = rows.append
    for lease in leases:
        home = lease.property
        tenant = lease.tenant
        user = tenant.user
        co_signer = lease.co_signer
        append(
            {
                "id": lease.id,
                "status": lease.status,
                "get_status_display": lease.get_status_display(),
                "start": lease.start,
                "end": lease.end,
                "rent": lease.rent,
                "deposit": lease.deposit,
                "property": {
                    "name": home.name,
                    "street": home.street,
                    "city": home.city,
                    "get_kind_display": home.get_kind_display(),
                },
                "tenant": {
                    "phone": tenant.phone,
                    "user": {"first_name": user.first_name, "email": user.email},
                },
                "co_signer": None
                if co_signer is None
                else {"phone": co_signer.phone, "user": {"email": co_signer.user.email}},
            }
        )
    return rows


def values_m(leases: QuerySet[Lease]) -> Rows:
    """``values()``, nested by hand, the labels looked up in a dict."""
    statuses, kinds = dict(Lease.Status.choices), dict(Property.Kind.choices)
    columns = (
        *("id", "status", "start", "end", "rent", "deposit"),
        *("property__name", "property__street", "property__city", "property__kind"),
        *("tenant__phone", "tenant__user__first_name", "tenant__user__email"),
        *("co_signer_id", "co_signer__phone", "co_signer__user__email"),
    )
    return [
        {
            "id": row["id"],
            "status": row["status"],
            "get_status_display": statuses[row["status"]],
            "start": row["start"],
            "end": row["end"],
            "rent": row["rent"],
            "deposit": row["deposit"],
            "property": {
                "name": row["property__name"],
                "street": row["property__street"],
                "city": row["property__city"],
                "get_kind_display": kinds[row["property__kind"]],
            },
            "tenant": {
                "phone": row["tenant__phone"],
                "user": {"first_name": row["tenant__user__first_name"], "email": row["tenant__user__email"]},
            },
            "co_signer": None
            if row["co_signer_id"] is None
            else {"phone": row["co_signer__phone"], "user": {"email": row["co_signer__user__email"]}},
        }
        for row in leases.values(*columns)
    ]


def naive_f(leases: Iterable[Lease]) -> Rows:
    """The comprehension that everybody writes first; only the co-signer may be missing."""
    return [
        {
            "id": lease.id,
            "rent": lease.rent,
            "property": {"address": lease.property.address, "city": lease.property.city},
            "tenant": {
                "user": {"get_full_name": lease.tenant.user.get_full_name(), "email": lease.tenant.user.email}
            },
            "co_signer": {"user": {"get_full_name": lease.co_signer.user.get_full_name()}}
            if lease.co_signer
            else None,
        }
        for lease in leases
    ]


def values_f(leases: QuerySet[Lease]) -> Rows:
    """``values()``, nested by hand, with what the methods say written down once more."""
    columns = (
        *("id", "rent", "property__street", "property__postcode", "property__city", "tenant__user__email"),
        *("tenant__user__first_name", "tenant__user__last_name", "co_signer_id"),
        *("co_signer__user__first_name", "co_signer__user__last_name"),
    )
    return [
        {
            "id": row["id"],
            "rent": row["rent"],
            "property": {
                "address": f"{row['property__street']}, {row['property__postcode']} {row['property__city']}",
                "city": row["property__city"],
            },
            "tenant": {
                "user": {
                    "get_full_name": _full(row["tenant__user__first_name"], row["tenant__user__last_name"]),
                    "email": row["tenant__user__email"],
                }
            },
            "co_signer": None
            if row["co_signer_id"] is None
            else {
                "user": {
                    "get_full_name": _full(
                        row["co_signer__user__first_name"], row["co_signer__user__last_name"]
                    )
                }
            },
        }
        for row in leases.values(*columns)
    ]


def _full(first: str, last: str) -> str:
    return f"{first} {last}".strip()
