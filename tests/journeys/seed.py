"""The whole road, one step after the other, each as the person whose step it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from deploy.local import road
from deploy.local.platform import Platform
from tests.journeys import building, delivering, setting_up
from tests.journeys.stories import Person, Story
from tests.journeys.walker import Shots, Walker

WORDS = "a long enough password of the road"
TRIAL = "trial"


@dataclass
class Ground:
    """What a story is walked on: a console of its own, a platform that it shares, the sample's images by version."""

    console: str
    once: str
    """The first admin's password, for one use."""
    platform: Platform
    images: Mapping[str, dict[str, str]]

    @property
    def is_real(self) -> bool:
        """Whether pods run, so that pages of delivered applications open."""
        return all(cluster.facts.real for cluster in self.platform.clusters.values())


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name the step in whatever goes wrong within."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the step: {name}")
        raise


def walk(browser: Browser, story: Story, ground: Ground) -> None:
    """Walk all ten steps in the story's language; every page seen on the way is judged."""
    shots = Shots(story.language)
    with ExitStack() as stack:

        def enter(person: Person, password: str) -> Walker:
            walker = Walker(browser, ground.console, story, person, shots)
            stack.push(walker.left)
            walker.sign_in(password, f"{WORDS} {person.login}")
            return walker

        with step("0 the admin signs in"):
            admin = enter(story.admin, ground.once)
        once = _set_up(admin, story, ground)
        developer, tester, delivery = (
            enter(story.who(role), once[role]) for role in ("Developer", "Tester", "Delivery")
        )
        app = _build(developer, story, ground)
        template = app.rpartition("/")[2]
        _deliver(tester, delivery, template, real=ground.is_real)
        _go_on(developer, tester, delivery, app, ground)
        with step("all that is left to see"):
            _tour(admin, app)
        for walker in (admin, developer, tester, delivery):
            with step(f"the browser of {walker.person.login} has nothing to complain of"):
                walker.end()


def _set_up(admin: Walker, story: Story, ground: Ground) -> dict[str, str]:
    """Steps 1 to 3; the passwords for one use by role."""
    names = [place.cluster for place in story.places]
    for number, (name, cluster) in enumerate(zip(names, ground.platform.clusters.values(), strict=True)):
        with step(f"1 connect {name}"):
            setting_up.connect(admin, name, cluster, first=number == 0)
    with step("1 all clusters are online"):
        setting_up.look_at_clusters(admin, names)
    once: dict[str, str] = {}
    for role in ("Developer", "Tester", "Delivery"):
        with step(f"2 add the {role}"):
            person = story.who(role)
            once[role] = setting_up.add_person(admin, person.login, person.name, shown=not once)
    for place in story.places:
        with step(f"2 create {place.name}"):
            setting_up.create_team(admin, place, first=place is story.test)
    with step("2 all environments are ready"):
        setting_up.await_teams(admin, story.places)
    with step("3 set the registry"):
        setting_up.set_registry(admin, ground.platform.registry, f"journey-{story.language}")
    return once


def _build(developer: Walker, story: Story, ground: Ground) -> str:
    """Steps 4 and 5; the path of the test application."""
    first, *more = _components(story, ground, "1.0")
    with step("4 create the application with its first component"):
        building.create_app(developer, first)
    developer.go(f"/teams/{story.test.slug}")
    developer.link(story.app)
    developer.page.wait_for_url("**/apps/*")
    app = developer.page.url.removeprefix(ground.console)
    with step("4 add the other components"):
        building.add_components(developer, more, app)
    with step("4 deploy"):
        building.deploy(developer, app, shot="deploy")
    with step("5 publish 1.0"):
        building.publish_new(developer, app)
    return app


def _deliver(tester: Walker, delivery: Walker, template: str, *, real: bool) -> None:
    """Steps 6 to 8."""
    first, second = tester.story.production
    with step("6 try 1.0"):
        delivering.try_it(tester, template, TRIAL, real=real)
    with step("6 mark 1.0"):
        delivering.mark(tester, template, "1.0", first=True)
    with step("7 and 8 install in both"):
        delivering.deliver(delivery, template, template)
    with step(f"7 open it in {first.name}"):
        delivering.look_at(delivery, first, template, real=real, row=delivery.story.row)
    with step(f"8 open it in {second.name}"):
        delivering.look_at(delivery, second, template, real=real, row=None)


def _go_on(developer: Walker, tester: Walker, delivery: Walker, app: str, ground: Ground) -> None:
    """Steps 9 and 10."""
    story, template = developer.story, app.rpartition("/")[2]
    wanted = _components(story, ground, "2.0")
    with step("9 change the draft to 2.0"):
        building.add_components(developer, [one for one in wanted if one["key"] == "cache"], app)
        building.change_components(developer, [one for one in wanted if one["key"] != "cache"], app)
        building.take_out(developer, "worker", story.components["worker"], app)
    with step("9 deploy 2.0"):
        building.deploy(developer, app, shot="deploy-next")
    with step("9 publish 2.0"):
        building.publish_next(developer, app, "2.0")
    with step("9 mark 2.0"):
        delivering.mark(tester, template, "2.0", first=False)
    place = story.production[0]
    with step(f"9 upgrade {place.name}"):
        delivering.upgrade(delivery, place, template, real=ground.is_real)
    with step(f"10 roll {place.name} back"):
        delivering.roll_back(delivery, place, template, real=ground.is_real)


def _components(story: Story, ground: Ground, version: str) -> list[dict[str, Any]]:
    """The sample's components in the story's words."""
    facts = ground.platform.registry
    made = road.components(ground.images[version], version, (facts.user, facts.password))
    for one in made:
        one["name"] = story.components[one["key"]]
        for variable in one["variables"]:
            if variable["name"] == "TITLE":
                variable["value"] = story.app
    return made


def _tour(admin: Walker, app: str) -> None:
    """The pages that no step led to."""
    story = admin.story
    place, template = story.production[0].slug, app.rpartition("/")[2]
    for path, name in (
        ("/", "overview"),
        ("/operations", "operations"),
        ("/audit", "audit"),
        ("/users", "users-at-the-end"),
        ("/users/lilei", "user"),
        ("/account/tokens", "tokens"),
        ("/account/profile", "profile"),
        (f"/market/{template}", "template"),
        (f"/market/{template}/environments", "template-environments"),
        (f"/market/{template}/marks", "template-marks"),
        (f"/market/{template}/versions/2.0", "version-2"),
        (app, "app-at-the-end"),
        (f"{app}/events", "events"),
        (f"{app}/components/web/log", "log"),
        (f"{app}/settings", "app-settings"),
        (f"{app}/revisions/2", "revision-2"),
        (f"/environments/{place}", "environment"),
        (f"/teams/{story.production[0].slug}", "production-team"),
        (f"/environments/{place}/apps/{template}/revisions/2?from=1", "revision-compared"),
    ):
        admin.go(path)
        admin.seen(name)
