"""Values one takes elsewhere: whole beside a button that copies them; and what a page says before the first look."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Browser, expect

from clusters.models import Application, ApplicationStatus, Cluster
from teams.models import User
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.conftest import PASSWORD, SignIn
from tests.pages.test_market import client_of

DIGEST = f"sha256:{'ab' * 32}"


def _app(cast: Cast) -> Application:
    place = world.make_place(cast.team, "test")
    Cluster.objects.filter(pk=place.cluster_id).update(health="online")
    return world.deployed(place, [world.part("web", "registry.example.com/dev/web:1", DIGEST)], slug="shop")


def test_a_token_is_copied_by_its_button(base: str, browser: Browser, signed_in: SignIn, admin: User) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = signed_in(admin, within=context)
    page.goto(f"{base}/account/tokens")
    page.fill("#id_name", "ci")
    page.click("#create")
    text = page.input_value("#made")
    button = page.locator(".copy")
    expect(button).to_have_attribute("aria-label", "Copy the token")
    button.click()
    expect(button).to_have_attribute("aria-label", "Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    context.close()


def test_without_scripts_the_button_is_not_shown_and_the_value_is(base: str, browser: Browser, admin: User) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base}/account/tokens")
    page.fill("#id_login", admin.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.fill("#id_name", "ci")
    page.click("#create")
    assert page.locator(".copy").is_hidden()
    assert page.input_value("#made").startswith("wb")
    context.close()


def test_the_digest_of_a_component_is_on_its_page_whole(cast: Cast) -> None:
    app = _app(cast)
    page = client_of(cast.viewer).get(f"/environments/test/apps/{app.slug}").content.decode()
    assert f">{DIGEST}</code>" in page
    assert f'data-copy="{DIGEST}"' in page
    assert "Copy the digest of web" in page


def test_a_look_from_before_the_last_deployment_is_not_shown_as_how_it_is(cast: Cast) -> None:
    app = _app(cast)
    revision = app.current_revision
    assert revision is not None
    now = revision.operation.finished_at
    assert now is not None
    ApplicationStatus.objects.filter(application=app).delete()
    look = ApplicationStatus.objects.create(application=app, state="running", observed_at=now - timedelta(seconds=9))
    client, path = client_of(cast.viewer), f"/environments/test/apps/{app.slug}"

    def head() -> str:
        page = client.get(path).content.decode()
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<h1>")[2].partition("</header>")[0]))

    assert "Unknown" in head() and "Looking at the cluster…" in head() and "last seen" in head()
    ApplicationStatus.objects.filter(pk=look.pk).update(observed_at=now)
    assert "Running" in head() and "Looking" not in head()
    Cluster.objects.filter(pk=app.environment.cluster_id).update(health="unreachable")
    assert "last seen" in head() and "Looking" not in head()
