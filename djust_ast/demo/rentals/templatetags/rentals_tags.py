"""Tags and filters that know about money and dates."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django import template

from ..models import Lease

register = template.Library()


@register.simple_tag
def money(amount: Decimal | None, currency: str = "€") -> str:
    """Return the amount as it is written on an invoice."""
    return "–" if amount is None else f"{amount:,.2f} {currency}"


@register.simple_tag
def lease_progress(lease: Lease, today: date) -> int:
    """Return how much of the lease is over, in percent."""
    if lease.end is None or lease.end <= lease.start:
        return 0
    return max(0, min(100, 100 * (today - lease.start).days // (lease.end - lease.start).days))


@register.filter
def initials(name: str) -> str:
    """Return the first letter of every word."""
    return "".join(word[0] for word in name.split())


@register.filter
def days_from(day: date | None, today: date) -> str:
    """Return the distance from ``today`` in words."""
    if day is None:
        return "open-ended"
    match (day - today).days:
        case 0:
            return "today"
        case 1:
            return "tomorrow"
        case days if days > 0:
            return f"in {days} days"
        case days:
            return f"{-days} days ago"


@register.filter
def total(rows: Iterable[object], name: str) -> Decimal:
    """Return the sum of one attribute over the rows."""
    return sum((getattr(row, name) for row in rows), Decimal("0.00"))


@register.inclusion_tag("rentals/_badge.html")
def badge(value: object, label: str) -> dict[str, object]:
    """Show a status in the color of its value."""
    return {"value": value, "label": label}
