"""Steps 4 and 5 by clicks: the test application from components, deployed and published. All by the developer."""

from __future__ import annotations

import re
from typing import Any

from tests.journeys import component
from tests.journeys.walker import PATIENCE, Walker

Json = dict[str, Any]


def create_app(walker: Walker, first: Json) -> None:
    """Step 4 (J4): a new application whose first component starts at once."""
    say, page = walker.story, walker.page
    walker.go(f"/teams/{say.test.slug}")
    walker.seen("team-without-apps")
    walker.link(say("New app"))
    walker.seen("new-app")
    before = walker.clicks
    walker.fill("#id_name", say.app)
    walker.button(say("Create app"))
    page.wait_for_url("**/components/new")
    walker.seen("first-component")
    pressed = walker.clicks - before
    component.fill_new(walker, first)
    walker.seen("first-component-filled-in")
    before = walker.clicks
    walker.button(say("Create and start"))
    # One for "New app"; what opens and fills the optional parts of the form is not counted.
    assert 1 + pressed + walker.clicks - before <= 4
    walker.ended("first-deploy")


def add_components(walker: Walker, more: list[Json], app: str) -> None:
    """Add components to the draft, each by its form."""
    for one in more:
        walker.go(f"{app}/components")
        walker.link(walker.story("Add component"))
        component.fill_new(walker, one)
        if one is more[-1]:
            walker.seen("another-component")
        walker.button(walker.story("Save in the draft"))
        walker.page.wait_for_url(re.compile("/components$"))


def change_components(walker: Walker, wanted: list[Json], app: str) -> None:
    """Change those that are there to what the next version says: image, variables, files, what they depend on."""
    for one in wanted:
        walker.go(f"{app}/components")
        walker.link(one["name"])
        component.image(walker, one)
        component.depends(walker, one)
        for kind in ("variables", "files"):
            for index, row in enumerate(one[kind]):
                text = {"variables": "value", "files": "content"}[kind]
                if row.get(text) is not None:
                    walker.fill(f"#id_{kind}_{index}_{text}", row[text])
        if one["files"]:
            walker.seen("component-changed")
        walker.button(walker.story("Save in the draft"))
        walker.page.wait_for_url(re.compile("/components$"))


def take_out(walker: Walker, key: str, name: str, app: str) -> None:
    """Take a component out of the draft."""
    walker.go(f"{app}/components/{key}")
    walker.button(walker.story("Take out %(name)s", name=name))
    walker.page.wait_for_url(re.compile("/components$"))


def deploy(walker: Walker, app: str, *, shot: str) -> None:
    """Look at what the draft changes, then deploy it."""
    say = walker.story
    walker.go(f"{app}/components")
    walker.seen(f"{shot}-draft")
    walker.link(say("Review and deploy"))
    walker.seen(f"{shot}-review")
    walker.button(say("Deploy"))
    walker.ended(shot)


def publish_new(walker: Walker, app: str) -> None:
    """Step 5 (J5): a new template; sync, then confirm. One click more: one variable is offered to installers."""
    say, page = walker.story, walker.page
    walker.go(app)
    walker.runs()
    walker.seen("app-runs")
    with walker.within(3 + 1, "publishing a new template"):
        walker.link(say("Publish"), within=".page-head .actions")
        assert page.input_value("#id_new_name") == say.app
        assert page.input_value("#id_number") == "1.0"
        walker.tick(page.locator('[name="offer_web.variables.LOG_LEVEL"]'))
        walker.seen("publish")
        walker.button(say("Start image sync"))
        page.wait_for_url(re.compile("/publications/"))
        walker.seen("image-sync")
        page.locator("#confirm").wait_for(timeout=PATIENCE)
        walker.seen("image-sync-ended")
        walker.button(say("Confirm publish"))
    page.get_by_role("link", name=say("To the version")).wait_for()
    walker.seen("published")


def publish_next(walker: Walker, app: str, number: str) -> None:
    """Step 9, first half (J5b): the next version of the template, published when its images are there."""
    say, page = walker.story, walker.page
    walker.go(app)
    walker.runs()
    with walker.within(3, "publishing the next version"):
        walker.link(say("Publish"), within=".page-head .actions")
        assert page.input_value("#id_template"), "the template it was published as is chosen"
        walker.fill("#id_number", number)
        walker.tick(page.locator("#id_confirm_by_itself"))
        walker.seen("publish-next")
        walker.button(say("Start image sync"))
    page.wait_for_url(re.compile("/publications/"))
    page.get_by_role("link", name=say("To the version")).wait_for(timeout=PATIENCE)
    walker.seen("published-next")
