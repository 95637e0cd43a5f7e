"""Steps 6 to 10 by clicks: the tester's trial and mark, the delivery to two places, the upgrade and the way back."""

from __future__ import annotations

from tests.journeys import sample
from tests.journeys.stories import Place
from tests.journeys.walker import Walker


def try_it(walker: Walker, template: str, app: str, *, real: bool) -> str:
    """Step 6, first half: install the version in the test environment as an app of its own; its path."""
    say, page = walker.story, walker.page
    walker.menu(say("Local component library"))
    walker.seen("market-before-the-mark")
    walker.link(say("Install"), within="main td.acts")
    walker.tick(page.locator(".pick", has_text=say.test.name).get_by_role("checkbox"))
    walker.fill("#id_app_name", f"{say.app} 2")
    walker.fill("#id_app_slug", app)
    page.locator("[data-plan-box] [data-ended]").wait_for(state="attached")
    walker.seen("install-for-a-trial")
    walker.button(say("Install"))
    walker.ended("trial-installed")
    path = f"/environments/{say.test.slug}/apps/{app}"
    walker.go(path)
    walker.runs()
    if real:
        opened = sample.opened(walker, sample.OLD, shot="trial-page")
        opened.write(say.row)
        assert opened.rows() == [say.row]
    walker.go(f"/market/{template}")
    return path


def mark(walker: Walker, template: str, number: str, *, first: bool) -> None:
    """Step 6, second half (J6): one click on the template's page, and it says by whom."""
    say, page = walker.story, walker.page
    walker.go(f"/market/{template}")
    walker.seen(f"waits-for-the-mark-{number}")
    with walker.within(1, "marking Release"):
        walker.button(f"{say('Mark Release')} {number}")
        page.locator(".notice.ok").wait_for()
    said = say("%(number)s is marked Release by you, just now.", number=number)
    assert said in page.inner_text("main")
    walker.seen(f"marked-{number}")
    if first:
        page.locator("details", has_text=say("Add reason")).locator("summary").click()
        page.fill("main [name=reason]", "412/412")
        page.locator("main details form button[type=submit]").click()
        walker.link(number, exact=True)
        page.wait_for_url("**/versions/*")
        assert "412/412" in page.inner_text("main")
        walker.seen("version")


def deliver(walker: Walker, template: str, app: str) -> None:
    """Steps 7 and 8 (J7 and J8): both production environments by one plan and one operation."""
    say, page = walker.story, walker.page
    walker.menu(say("Local component library"))
    walker.seen("market")
    with walker.within(3 + 1, "installing in two environments"):
        walker.link(say("Install"), within="main td.acts")
        assert page.input_value("#id_version") == "1.0"
        assert page.input_value("#id_app_slug") == app
        for place in say.production:
            walker.tick(page.locator(".pick", has_text=place.name).get_by_role("checkbox"))
        page.locator("[data-plan-box] [data-ended]").wait_for(state="attached")
        walker.seen("install-in-two")
        walker.button(say("Install"))
    walker.ended("installed-in-two")


def look_at(walker: Walker, place: Place, app: str, *, real: bool, row: str | None) -> None:
    """Open what runs in a place; leave a row in its database."""
    walker.go(f"/environments/{place.slug}/apps/{app}")
    walker.runs()
    walker.seen(f"runs-in-{place.slug}")
    if real:
        opened = sample.opened(walker, sample.OLD, shot=f"page-in-{place.slug}")
        if row is not None:
            opened.write(row)
            assert opened.rows() == [row]


def upgrade(walker: Walker, place: Place, app: str, *, real: bool) -> None:
    """Step 9 (J9): review what changes, upgrade, and see the new page with the old rows."""
    say, page = walker.story, walker.page
    walker.go(f"/environments/{place.slug}/apps/{app}")
    walker.seen("newer-version")
    with walker.within(2, "upgrading"):
        walker.link(say("Review upgrade"))
        page.locator("[data-plan-box] [data-ended]").wait_for(state="attached")
        changed = page.inner_text("main")
        assert "LOG_LEVEL" in changed and "worker" in changed and "cache" in changed
        walker.seen("upgrade-review")
        walker.button(say("Upgrade to %(number)s", number="2.0"))
    _came_to(walker, place, app, "upgraded")
    if real:
        assert sample.opened(walker, sample.NEW, shot="new-page").rows() == [say.row]


def _came_to(walker: Walker, place: Place, app: str, what: str) -> None:
    """Wait for the end of the operation that is shown, then for the app to run."""
    walker.ended(what)
    walker.go(f"/environments/{place.slug}/apps/{app}")
    walker.runs()
    walker.seen(f"{what}-app")


def roll_back(walker: Walker, place: Place, app: str, *, real: bool) -> None:
    """Step 10 (J10): preview, roll back, and see the old page, the rows still there, and the proof of equality."""
    say, page = walker.story, walker.page
    walker.go(f"/environments/{place.slug}/apps/{app}")
    walker.runs()
    back = say("Roll back to %(number)s", number="1.0")
    with walker.within(2, "rolling back"):
        walker.link(back)
        page.locator("[data-plan-box] [data-ended]").wait_for(state="attached")
        walker.seen("rollback-review")
        walker.button(back)
    _came_to(walker, place, app, "rolled-back")
    if real:
        assert sample.opened(walker, sample.OLD, shot="old-page-again").rows() == [say.row]
    walker.go(f"/environments/{place.slug}/apps/{app}/revisions")
    equals = page.locator(".st.ok", has_text=say("equals revision %(n)s", n="1"))
    equals.wait_for()
    walker.seen("records")
    walker.go(f"/environments/{place.slug}/apps/{app}/revisions/3")
    walker.seen("revision")
