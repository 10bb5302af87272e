"""The generated source of the demo's pages, as files to review; ``make snapshots`` writes them anew."""

import os
from pathlib import Path

import pytest

from djust_ast import explain
from djust_ast.demo.rentals.models import Lease, MaintenanceRequest, Owner, Payment, Property, Tenant

FOLDER = Path(__file__).parent / "snapshots"
PAGES = {
    "dashboard": {"properties": Property, "pending_maintenance": MaintenanceRequest, "expiring_soon": Lease},
    "property_list": {"properties": Property},
    "lease_list": {"leases": Lease},
    "owner_list": {"owners": Owner},
    "tenant_list": {"tenants": Tenant},
    "payment_report": {"payments": Payment},
}


@pytest.mark.parametrize("name", PAGES)
def test_generated_source(name, db):
    made = explain(f"rentals/{name}.html", PAGES[name]).source
    file = FOLDER / f"{name}.py.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(made)
    assert made == file.read_text()
