"""Steps 1 to 3 by clicks: clusters, people, teams, registry. All of it is the enterprise admin's."""

from __future__ import annotations

import re

from deploy.local.cluster import Cluster
from deploy.local.plan import RegistryFacts
from tests.journeys.stories import Place
from tests.journeys.walker import Walker


def connect(walker: Walker, name: str, cluster: Cluster, *, first: bool) -> None:
    """Step 1 (J1): paste a kubeconfig, check, name, add."""
    say, page = walker.story, walker.page
    walker.go("/")
    with walker.within(4, "connecting a cluster"):
        walker.menu(say("Clusters"))
        if first:
            walker.seen("no-cluster-yet")
        walker.link(say("Add cluster"))
        if first:
            walker.seen("add-cluster")
        walker.fill("#id_kubeconfig", cluster.kubeconfig())
        walker.button(say("Check connection"))
        page.wait_for_url("**/clusters/new?check=*")
        walker.fill("#id_name", name)
        page.wait_for_selector("#add:not([aria-disabled])")
        assert page.locator(".checks > li.ok").count() == 6
        assert page.locator(".checks > li.warn").count() == 1, "no registry is set yet"
        if first:
            walker.seen("cluster-checked")
        walker.button(say("Add cluster"))
        page.wait_for_url(re.compile("/clusters/(?!new)"))
    page.locator("main .st.ok").first.wait_for()
    if first:
        walker.seen("cluster")


def look_at_clusters(walker: Walker, names: list[str]) -> None:
    """All of them are listed and online."""
    walker.menu(walker.story("Clusters"))
    for name in names:
        row = walker.page.locator("main tr", has_text=name)
        row.locator(".st.ok").first.wait_for()
    walker.seen("clusters")


def add_person(walker: Walker, login: str, name: str, *, shown: bool) -> str:
    """Add a user and give the password for one use that the page shows."""
    say, page = walker.story, walker.page
    walker.menu(say("Users"))
    if shown:
        walker.seen("users")
    walker.link(say("Add user"))
    if shown:
        walker.seen("add-user")
    walker.fill("#id_name", name)
    walker.fill("#id_login", login)
    walker.button(say("Add user"))
    password = page.locator("#once").input_value()
    if shown:
        walker.seen("password-for-one-use")
    return password


def create_team(walker: Walker, place: Place, *, first: bool) -> None:
    """Step 2 (J2): name, cluster, first members; the stage where it is not the usual one."""
    say, page = walker.story, walker.page
    walker.go("/")
    usual = place.stage == "Test"
    with walker.within(4 + len(place.members) + (not usual), "creating a team"):
        walker.menu(say("Teams"))
        if first:
            walker.seen("no-team-yet")
        walker.link(say("Create team"))
        walker.fill("#id_name", place.name)
        walker.fill("#id_slug", place.slug)
        walker.press(page.locator(".pick", has_text=place.cluster))
        if not usual:
            walker.tick(page.get_by_role("radio", name=say(place.stage, "stage")))
        for row, person in zip(page.locator("fieldset.member").all(), place.members, strict=False):
            row.locator("input:not([type=checkbox])").fill(person.login)
            walker.tick(row.get_by_role("checkbox", name=say(person.role, "team role"), exact=True))
        if first:
            walker.seen("create-team")
        walker.button(say("Create team"))
        page.wait_for_url(f"**/teams/{place.slug}")
    if first:
        walker.seen("team-made")
        walker.link(say("Preparing", "environment"))
        walker.ended("environment")


def await_teams(walker: Walker, places: tuple[Place, ...]) -> None:
    """Each has its environment."""
    walker.menu(walker.story("Teams"))
    for place in places:
        walker.go(f"/teams/{place.slug}/environments")
        walker.page.locator("main .st.ok", has_text=walker.story("Ready", "environment")).first.wait_for()
    walker.seen("environments-of-a-team")
    walker.go(f"/teams/{places[0].slug}/members")
    walker.seen("members")
    walker.menu(walker.story("Teams"))
    walker.seen("teams")


def set_registry(walker: Walker, facts: RegistryFacts, prefix: str) -> None:
    """Step 3 (J3): test and save. One click more than the bound: its authority is not a public one, under TLS."""
    say, page = walker.story, walker.page
    walker.go("/")
    with walker.within(3 + 1, "setting the registry"):
        walker.menu(say("Image registry"))
        walker.seen("no-registry-yet")
        given = {"address": facts.address, "prefix": prefix, "user": facts.user, "password": facts.password}
        for name, text in {**given, "pull_user": facts.pull_user, "pull_password": facts.pull_password}.items():
            walker.fill(f"#id_{name}", text)
        walker.unfold("TLS")
        walker.fill("#id_ca_pem", facts.ca_pem)
        walker.button(say("Test connection"))
        page.wait_for_selector("#save:not([aria-disabled])", timeout=60_000)
        walker.seen("registry-tested")
        walker.button(say("Save"))
        page.wait_for_url(re.compile(r"/settings/registry$"))
    assert facts.password not in page.content()
    walker.seen("registry")
    walker.link(say("Pull secrets of the environments"))
    walker.ended("pull-secrets")
