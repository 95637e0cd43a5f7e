"""Clusters in the console: checked, connected, looked at, changed and let go of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Browser, Page

from clusters.kube import connect
from clusters.models import Cluster
from deploy.local.cluster import Cluster as LocalCluster
from operations.engine.loop import Loop
from operations.models import Operation
from operations.starting import new_key
from teams.models import AuditEvent, User
from tests.builders import make_team
from tests.clusters.working import connect_row, ended, make_cluster, make_environment
from tests.pages.conftest import PASSWORD, SignIn, person

CAPACITY = {
    "nodes_ready": 1,
    "nodes_total": 2,
    "cpu": {"allocatable": "8", "requested": "2350m", "used": None},
    "memory": {"allocatable": "16Gi", "requested": "6Gi", "used": None},
    "at": "2026-03-02T14:02:05Z",
}


@pytest.fixture
def loop(admin: User) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connect.close_all()
    connection.close()


@pytest.fixture
def client(admin: User) -> Client:
    """The admin without a browser."""
    one = Client()
    one.force_login(admin)
    return one


def check_by_form(client: Client, **typed: object) -> Operation:
    """Post the form of a new cluster and wait for its check."""
    answer = client.post("/clusters/new", {"key": new_key(), **typed})
    assert answer.status_code == 302, answer.content.decode()
    return ended(answer["Location"].rpartition("=")[2])


# --- The road in a browser -------------------------------------------------------------------------------------------


def test_a_cluster_is_connected_in_four_clicks(
    signed_in: SignIn, base: str, admin: User, loop: Loop, cluster: LocalCluster
) -> None:
    page = signed_in(admin)
    page.locator(".rail").get_by_role("link", name="Clusters").click()
    page.get_by_role("link", name="Add cluster").click()
    page.fill("#id_kubeconfig", cluster.kubeconfig())
    page.get_by_role("button", name="Check connection").click()
    page.wait_for_url("**/clusters/new?check=*")
    page.fill("#id_name", "阿里云-青岛")
    page.wait_for_selector("#add:not([aria-disabled])")
    assert page.input_value("#id_name") == "阿里云-青岛", "what is typed while the check runs stays"
    assert page.locator(".checks > li").count() == 7
    assert page.locator(".checks > li.ok").count() == 6
    assert "No image registry is set" in page.locator(".checks > li.warn").inner_text()
    assert cluster.admin_token not in page.content()
    page.get_by_role("button", name="Add cluster").click()
    page.wait_for_url("**/clusters/*qing-dao")
    row = Cluster.objects.get()
    assert (row.name, row.credential()) == ("阿里云-青岛", {"token": cluster.admin_token})
    assert cluster.admin_token not in page.content()


def test_without_scripts_the_same(browser: Browser, base: str, admin: User, loop: Loop, cluster: LocalCluster) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base}/clusters/new")
    _sign_in(page, admin)
    page.set_input_files(
        "#id_kubeconfig_file", {"name": "k", "mimeType": "text/yaml", "buffer": cluster.kubeconfig().encode()}
    )
    page.click("#check")
    ended(page.url.rpartition("=")[2])
    page.reload()
    page.fill("#id_name", "Qingdao")
    page.click("#add")
    assert page.url == f"{base}/clusters/qingdao"
    context.close()


def _sign_in(page: Page, user: User) -> None:
    page.fill("#id_login", user.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")


def test_a_failed_check_says_why_and_is_asked_again(client: Client, loop: Loop, cluster: LocalCluster) -> None:
    wrong = check_by_form(client, endpoint=cluster.endpoint, token="not-a-token-of-this-one", ca_pem=cluster.ca_pem)
    shown = client.get(f"/clusters/new?check={wrong.name}").content.decode()
    assert "does not accept the credentials" in shown and "Replace them with a token" in shown
    assert "not-a-token-of-this-one" not in shown
    refused = client.post("/clusters/new", {"key": new_key(), "check": wrong.name, "name": "Qingdao"})
    assert refused.status_code == 409 and "Authentication" in refused.content.decode()
    again = client.post("/clusters/new", {"key": new_key(), "check": wrong.name, "again": "1"})
    fresh = ended(again["Location"].rpartition("=")[2])
    assert (fresh.retry_of, fresh.outcome_code) == (wrong, "credentials_refused")
    Operation.objects.filter(pk=wrong.pk).update(sealed=None)
    late = client.post("/clusters/new", {"key": new_key(), "check": wrong.name, "again": "1"}, follow=True)
    assert "check" in late.redirect_chain[-1][0] and Operation.objects.count() == 2


def test_credentials_are_replaced_by_way_of_the_same_check(
    client: Client, admin: User, loop: Loop, cluster: LocalCluster
) -> None:
    row = connect_row(admin.enterprise, cluster)
    page = client.get(f"/clusters/{row.slug}").content.decode()
    assert f'href="/clusters/new?for={row.slug}"' in page
    form = client.get(f"/clusters/new?for={row.slug}").content.decode()
    assert f"Replace the credentials of {row.name}" in form and f'name="for" value="{row.slug}"' in form
    started = client.post("/clusters/new", {"key": new_key(), "for": row.slug, "kubeconfig": cluster.kubeconfig()})
    assert started["Location"].endswith(f"&for={row.slug}")
    done = ended(started["Location"].partition("check=")[2].partition("&")[0])
    shown = client.get(started["Location"]).content.decode()
    assert 'name="name"' not in shown, "it keeps its name"
    answer = client.post("/clusters/new", {"check": done.name, "for": row.slug})
    assert answer["Location"] == f"/clusters/{row.slug}"
    assert AuditEvent.objects.filter(action="cluster.credentials_replaced", object_label=row.slug).count() == 1
    Cluster.objects.filter(pk=row.pk).update(uid="another")
    other = client.post("/clusters/new", {"check": done.name, "for": row.slug}, follow=True)
    assert "another cluster than" in other.content.decode()
    assert client.get("/clusters/new?for=nowhere").status_code == 404


def test_a_name_that_is_taken_is_told_beside_it(client: Client, admin: User, loop: Loop, cluster: LocalCluster) -> None:
    make_cluster(admin.enterprise, "taken", name="Taken")
    done = check_by_form(client, kubeconfig=cluster.kubeconfig())
    for field, typed in (("name", {"name": "Taken"}), ("slug", {"name": "New", "slug": "taken"})):
        answer = client.post("/clusters/new", {"check": done.name, **typed})
        assert answer.status_code == 409
        assert f'id="id_{field}_error"' in answer.content.decode()
    connect_row(admin.enterprise, cluster)
    answer = client.post("/clusters/new", {"check": done.name, "name": "Twice"})
    assert answer.status_code == 409 and Cluster.objects.count() == 2


# --- Refusals without a cluster --------------------------------------------------------------------------------------


def test_what_was_pasted_is_never_shown_again(client: Client) -> None:
    typed = {"endpoint": "http://10.0.0.1", "token": "the-secret-token", "ca_pem": "", "key": new_key()}
    answer = client.post("/clusters/new", typed)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "the-secret-token" not in shown and "http://10.0.0.1" in shown
    answer = client.post("/clusters/new", {"kubeconfig": "users: [{exec: a-secret-program}]", "key": new_key()})
    assert answer.status_code == 422 and "a-secret-program" not in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "kubeconfig"),
        ({"kubeconfig": "- [" * 3}, "kubeconfig"),
        ({"endpoint": "https://10.0.0.1"}, "token"),
        ({"kubeconfig_file": SimpleUploadedFile("k", b"\xff\xfe\x00")}, "kubeconfig_file"),
        ({"kubeconfig_file": SimpleUploadedFile("k", b"a" * ((1 << 20) + 1))}, "kubeconfig_file"),
    ],
    ids=["nothing", "no-yaml", "no-token", "no-text", "too-large"],
)
def test_a_connection_that_cannot_be_read(client: Client, typed: dict[str, object], field: str) -> None:
    answer = client.post("/clusters/new", {"key": new_key(), **typed})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not Operation.objects.exists()


def test_these_pages_are_there_for_admins_alone(client: Client, admin: User) -> None:
    row = make_cluster(admin.enterprise)
    one = Client()
    one.force_login(person(admin.enterprise, "lilei"))
    for path in ("/clusters", "/clusters/new", f"/clusters/{row.slug}"):
        assert one.get(path).status_code == 404
        assert client.get(path).status_code == 200
    for path in ("/clusters/new", f"/clusters/{row.slug}", f"/clusters/{row.slug}/removal"):
        assert one.post(path, {}).status_code == 404
    for path in ("/clusters/none", "/clusters/new?check=op-999", "/clusters/new?check=x"):
        assert client.get(path).status_code == 404


# --- The list and the page -------------------------------------------------------------------------------------------


def test_an_old_fact_says_as_of_when(client: Client, admin: User) -> None:
    make_cluster(admin.enterprise, "fine", health="online", capacity=CAPACITY, seen_at=timezone.now())
    make_cluster(
        admin.enterprise,
        "gone",
        health="offline",
        capacity=CAPACITY,
        health_code="address_unreachable",
        health_params={"host": "10.0.0.1", "reason": "timed_out"},
        seen_at=timezone.now() - timedelta(hours=1),
        probed_at=timezone.now(),
    )
    shown = client.get("/clusters").content.decode()
    assert "1 of 2 online" in shown and "2.4 of 8 cores" in shown and "6 of 16 GiB" in shown
    assert "Nothing answers at 10.0.0.1" in shown and "as of" in shown and "last seen" in shown
    only = client.get("/clusters", {"state": "offline"}).content.decode()
    assert "Gone" in only and "Fine" not in only
    assert "No cluster matches" in client.get("/clusters", {"q": "nothing-like-it"}).content.decode()
    page = client.get("/clusters/gone").content.decode()
    assert "Nothing answers at 10.0.0.1" in page and "Check address and port" in page


def test_settings_are_saved_and_no_edit_is_lost(client: Client, admin: User) -> None:
    row = make_cluster(admin.enterprise, "one")
    typed = {"name": "One", "node_address": "10.0.0.9", "ingress_class": "", "ingress_domain": ""}
    assert client.post("/clusters/one", {**typed, "version": row.row_version}).status_code == 302
    row.refresh_from_db()
    assert (row.node_address, row.ingress_class) == ("10.0.0.9", None)
    assert AuditEvent.objects.filter(action="cluster.changed", actor=admin).count() == 1
    stale = client.post("/clusters/one", {**typed, "node_address": "10.0.0.7", "version": row.row_version - 1})
    shown = stale.content.decode()
    assert stale.status_code == 412 and "10.0.0.7" in shown and "Saved meanwhile: 10.0.0.9" in shown
    wrong = client.post("/clusters/one", {**typed, "node_address": "no address!", "version": row.row_version})
    assert wrong.status_code == 422 and 'id="id_node_address_error"' in wrong.content.decode()


def test_a_cluster_is_removed_by_its_name_and_not_while_it_is_used(client: Client, admin: User) -> None:
    row = make_cluster(admin.enterprise, "one")
    wrong = client.post("/clusters/one/removal", {"confirm_name": "One", "version": row.row_version})
    assert wrong.status_code == 422 and "This is not one." in wrong.content.decode()
    place = make_environment(make_team(admin.enterprise, "shop"), row, "prod-qingdao")
    assert 'href="/environments/prod-qingdao"' in client.get("/clusters/one").content.decode()
    used = client.post("/clusters/one/removal", {"confirm_name": "one", "version": row.row_version})
    assert used.status_code == 409 and 'href="/environments/prod-qingdao"' in used.content.decode()
    place.removed_at = timezone.now()
    place.save()
    done = client.post("/clusters/one/removal", {"confirm_name": "one", "version": row.row_version})
    assert done["Location"] == "/clusters"
    row.refresh_from_db()
    assert row.removed_at is not None and row.credential() == {}


def test_the_list_costs_the_same_with_one_cluster_and_with_twenty(client: Client, admin: User) -> None:
    team = make_team(admin.enterprise, "shop")
    client.get("/clusters")  # the first request of a session writes it
    costs = []
    for number in range(20):
        make_environment(team, make_cluster(admin.enterprise, f"c{number}", capacity=CAPACITY))
        if number in (0, 19):
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/clusters").status_code == 200
            costs.append(len(queries))
    assert costs[0] == costs[1] <= 8
