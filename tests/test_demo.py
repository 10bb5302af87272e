"""Every page of the demo is what plain Django makes of it, with fewer queries."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from djust_ast import serialize_context
from djust_ast.demo.panel import live_context, mounted, plain_page
from djust_ast.demo.rentals.models import Lease, MaintenanceRequest, Owner, Payment, Photo, Property, Tenant
from djust_ast.demo.rentals.urls import urlpatterns
from djust_ast.demo.rentals.views import Dashboard
from djust_ast.demo.seed import TABLES, seed

CSRF_TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=")\w+')


@dataclass(frozen=True)
class Page:
    """An address, and how many queries it takes with djust_ast and without."""

    url: str
    planned: int
    plain: int


PAGES = {
    "dashboard": Page("/", 4, 250),
    "property-list": Page("/properties/", 4, 242),
    "property-detail": Page("/properties/4/", 8, 23),
    "property-without-insurance": Page("/properties/15/", 9, 23),
    "property-without-photos": Page("/properties/3/", 9, 20),
    "tag-detail": Page("/tags/tag-1/", 4, 20),
    "owner-list": Page("/owners/", 2, 27),
    "owner-statement": Page("/owners/3/", 6, 69),
    "tenant-list": Page("/tenants/", 2, 391),
    "tenant-detail": Page("/tenants/9/", 6, 19),
    "tenant-without-lease": Page("/tenants/1/", 5, 5),
    "lease-list": Page("/leases/", 2, 359),
    "lease-detail": Page("/leases/2/", 5, 10),
    "lease-without-end": Page("/leases/5/", 4, 8),
    "lease-edit": Page("/leases/1/edit/", 3, 4),
    "maintenance-list": Page("/maintenance/", 1, 321),
    "maintenance-detail": Page("/maintenance/3/", 6, 10),
    "maintenance-found-by-agency": Page("/maintenance/2/", 4, 9),
    "payment-report": Page("/payments/", 1, 481),
    "expense-report": Page("/expenses/", 2, 304),
    "report": Page("/report/", 3, 104),
    "report-of-one-widget": Page("/report/?show=costs", 1, 18),
    "report-on-paper": Page("/report/?print=1&show=overdue&show=repairs", 2, 86),
    "search-nothing": Page("/search/", 0, 0),
    "search": Page("/search/?q=ber", 4, 58),
    "search-no-match": Page("/search/?q=%3Cb%3E", 2, 2),
}
every_page = pytest.mark.parametrize("page", [pytest.param(page, id=name) for name, page in PAGES.items()])

pytestmark = pytest.mark.usefixtures("agency")


def masked(html):
    return CSRF_TOKEN.sub(r"\1masked", html)


def get(client, url):
    """The response without the panel, and the queries that it took."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"{url}{'&' if '?' in url else '?'}panel=0")
    assert response.status_code == 200
    return response, len(queries)


def plain(response):
    return plain_page(response.live_view, response.wsgi_request)


@every_page
def test_page_is_what_plain_django_renders(client, page):
    response, _ = get(client, page.url)
    assert masked(response.content.decode()) == masked(plain(response).html)


@every_page
def test_page_takes_fewer_queries(client, page):
    response, planned = get(client, page.url)
    assert (planned, len(plain(response).sql)) == (page.planned, page.plain)
    assert page.planned <= page.plain


@every_page
def test_context_renders_as_live_objects_do(client, page):
    response, _ = get(client, page.url)
    view, request = response.live_view, response.wsgi_request
    template = view.get_template()
    context = serialize_context(template, live_context(mounted(view, request)))
    assert masked(template.render(context, request)) == masked(plain(response).html)


def test_dashboard_needs_a_handful_of_queries_for_fifty_rows(client):
    page = PAGES["dashboard"]
    response, planned = get(client, page.url)
    context = response.live_view.get_context_data()
    rows = [len(context[name]) for name in ("properties", "pending_maintenance", "expiring_soon")]
    assert sum(rows) == 50
    assert planned <= 5
    assert len(plain(response).sql) > 100


def test_dashboard_context_is_plain_data():
    view = Dashboard()
    view.mount(None)
    context = view.get_context_data()
    assert isinstance(context["properties"], list)
    assert isinstance(context["expiring_soon"][0]["tenant"]["user"], dict)


def test_every_address_is_tested():
    views = {resolve(page.url.partition("?")[0]).url_name for page in PAGES.values()}
    assert views == {pattern.name for pattern in urlpatterns}


@pytest.mark.parametrize(
    "url",
    ["/", "/properties/", "/owners/", "/tenants/", "/leases/", "/maintenance/", "/payments/", "/expenses/"],
)
def test_page_without_rows(client, url):
    for model in TABLES:
        model.objects.all().delete()
    response, planned = get(client, url)
    assert masked(response.content.decode()) == masked(plain(response).html)
    assert planned <= len(plain(response).sql)


def test_panel_changes_nothing_but_itself(client):
    page = PAGES["property-detail"]
    response, _ = get(client, page.url)
    before, start, rest = client.get(page.url).content.decode().partition('<details class="panel"')
    panel, _, after = rest.rpartition("</details>\n")
    assert start
    assert before + after == response.content.decode()
    assert f"{page.planned} queries" in panel
    assert f'<span class="count">{page.plain}</span>' in panel


def test_panel_stays_away_from_other_pages(client):
    assert b"djust-ast-panel" not in client.get("/admin/login/").content
    assert client.get("/leases/0/").status_code == 404


def test_lease_form_saves(client):
    lease = Lease.objects.get(pk=1)
    fields = {"status": "ended", "start": "2025-01-01", "end": "2025-03-31", "rent": "1.50", "deposit": "0"}
    response = client.post("/leases/1/edit/", fields)
    assert (response.status_code, response["Location"]) == (302, "/leases/1/")
    lease.refresh_from_db()
    assert (lease.status, str(lease.rent), lease.terms) == ("ended", "1.50", "")
    assert "Lease 1 saved." in client.get("/leases/1/").content.decode()


def test_lease_form_says_what_is_wrong(client):
    fields = {"status": "ended", "start": "2025-04-01", "end": "2025-03-31", "rent": "1", "deposit": "0"}
    response = client.post("/leases/1/edit/", fields)
    assert response.status_code == 200
    assert "A lease cannot end before it starts." in response.content.decode()
    assert Lease.objects.get(pk=1).status == "active"


def test_lease_form_is_protected(agency):
    assert Client(enforce_csrf_checks=True).post("/leases/1/edit/").status_code == 403


def rows():
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in TABLES}


def test_seed_is_deterministic():
    before = rows()
    seed()
    users = {"user_id", "manager_id", "assigned_to_id"}  # they live in a table that is not ours alone
    for name, entries in rows().items():
        for old, new in zip(before[name], entries, strict=True):
            assert {k: v for k, v in old.items() if k not in users} == {
                k: v for k, v in new.items() if k not in users
            }


def test_seed_leaves_keys_to_the_database():
    lease = Lease.objects.get(pk=1)
    payment = Payment.objects.create(
        lease=lease, amount=1, method="cash", status="paid", due=lease.start, reference="new"
    )
    assert payment.pk > 600


def test_seed_has_what_templates_stumble_over():
    leases = Lease.objects.count()
    assert leases == 150
    assert 0.3 < Lease.objects.filter(co_signer=None).count() / leases < 0.5
    assert 0 < Property.objects.filter(insurance=None).count() < 60
    assert MaintenanceRequest.objects.filter(tenant=None, assigned_to=None).exists()
    assert Property.objects.filter(name__contains="<").exists()
    assert Property.objects.filter(name__contains="%").exists()
    assert Owner.objects.filter(company__contains="&").exists()
    assert Owner.objects.filter(referred_by=None).exists()
    assert Tenant.objects.filter(leases=None).exists()
    assert Tenant.objects.filter(user__last_name="Müller").exists()


def test_seed_scales():
    seed(2)
    assert (Property.objects.count(), Payment.objects.count()) == (120, 1200)


@pytest.mark.parametrize("path", ["rentals/rentals.css", "rentals/icon.svg"])
def test_static_files_are_shipped(path):
    assert finders.find(path)


def test_photos_are_shipped():
    assert all(finders.find(path) for path in Photo.objects.values_list("path", flat=True).distinct())


def test_run_builds_the_data_and_serves(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = tmp_path / "new" / "demo.sqlite3"
    server = subprocess.Popen(
        [sys.executable, "-c", f"from djust_ast.demo.run import main; main(['--port', '{port}'])"],
        env=os.environ | {"DJUST_AST_DEMO_DB": str(database)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert f"http://127.0.0.1:{port}/" in server.stdout.readline()
        assert "Good morning" in fetch(port, "/")
        assert ".badge" in fetch(port, "/static/rentals/rentals.css")
    finally:
        server.terminate()
        server.wait(10)
        server.stdout.close()
    assert database.exists()


def fetch(port, path):
    """The body of the answer, once the server listens."""
    for _ in range(100):
        server = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            server.request("GET", path)
            return server.getresponse().read().decode()
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            server.close()
    raise AssertionError("the server does not answer")
