"""The rows of the pages: how an address is filled, who sees it, and what its form does for whoever may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from operations.starting import new_key
from tests.access.rows import EVERYONE, MEMBERS, OWN, Address, Places, holders, slugs
from tests.cast import Cast

Form = Callable[[Cast], Mapping[str, Any]]


@dataclass(frozen=True)
class Page:
    """One page by the name of its address.

    `sees`: who is shown it; for everybody else it does not exist. `form`: what is posted, None for a page without a
    form; `may`: for whom it changes something. `shown`: whether it answers GET; `leads`: it may lead on to another
    page. `at`: None where it names nothing.
    """

    name: str
    at: Places | None = None
    sees: tuple[str, ...] = EVERYONE
    form: Form | None = None
    may: tuple[str, ...] = ()
    shown: bool = True
    leads: bool = False
    query: Mapping[str, str] = field(default_factory=dict)


def there(what: str, **names: str) -> Places:
    """`what` of `shop-…` here, of `foreign-…` elsewhere, of nowhere."""
    kind, _, ending = what.partition(":")
    own, foreign, absent = (slugs(**{kind: f"{prefix}-{ending}", **names}) for prefix in ("shop", "foreign", "nowhere"))
    return Places(own, foreign, absent)


def named(name: str, own: str, foreign: str, **more: str) -> Places:
    """A thing with fixed words."""
    return Places(slugs(**{name: own, **more}), slugs(**{name: foreign, **more}), slugs(**{name: "nowhere", **more}))


def operation(own: str) -> Places:
    """An operation of this name among the cast's things."""

    def thing(name: str) -> Address:
        return lambda cast: {"name": cast.things[name]}

    return Places(thing(own), thing("foreign_operation"), slugs(name="op-999999999"))


def fixed(**fields: Any) -> Form:
    """A form with fixed words, and a fresh key for those that start work."""
    return lambda cast: {"key": new_key(), **fields}


TEAM = named("team", "shop", "foreign")
MEMBER = named("team", "shop", "foreign", login="viewer")
PLACE, BROKEN = there("environment:test"), there("environment:broken")
APP = there("environment:test", app="made")
COMPONENT = there("environment:test", app="made", key="web")
REVISION = there("environment:test", app="made", number="1")
BOUGHT = there("environment:test", app="bought")
PUBLICATION = named("environment", "own-place", "foreign-place", app="back-office", number="1")
TEMPLATE = named("template", "own-template", "foreign-template")
VERSION = named("template", "own-template", "foreign-template", number="1.0")
CLUSTER, SPARE = there("cluster:cluster"), there("cluster:spare")
USER = named("login", "tester", "foreigner")
ADMINS = ("admin", "stranger")
OF_TEMPLATE = ("admin", "market", *MEMBERS)
EDIT, OPERATE, PUBLISH = (holders(f"{word}_application") for word in ("edit", "operate", "publish"))
DELIVER, MARK, LEAD = holders("deliver_test"), holders("mark_version"), holders("manage_members")
COMPONENT_FORM = {
    "name": "Api", "kind": "stateless", "image_reference": "registry.example.com/dev/api:1", "run_as_user": "10001",
    "run_as_group": "10001",
}  # fmt: skip
REGISTRY = {"address": "registry.example.org", "prefix": "x", "user": "ci", "password": "p", "save_untested": "on"}

PEOPLE = [
    Page("home", leads=True),
    Page("token_list", form=fixed(name="ci", days="30"), may=EVERYONE),
    Page("user_list", sees=ADMINS),
    Page("user_new", sees=ADMINS, form=fixed(name="Mei", login="meimei"), may=ADMINS),
    Page("user_page", USER, ("admin",), fixed(name="Other"), ("admin",)),
    Page("user_state", USER, ("admin",), fixed(state="disabled"), ("admin",), shown=False),
    Page("user_password", USER, ("admin",), fixed(), ("admin",), shown=False),
    Page("audit_list", sees=("admin", "lead", "neighbour", "stranger")),
    Page("audit_list", sees=("admin", "lead", "neighbour", "stranger"), query={"format": "csv"}),
    Page("password", form=fixed(current="not it", new="a long sentence is good"), may=()),
    Page("profile", form=fixed(theme="dark", language="", time_zone=""), may=EVERYONE),
]
TEAMS = [
    Page("team_list"),
    Page("team_new", sees=ADMINS, form=fixed(name="New", slug="new-team", stage="test", accepts="any"), may=ADMINS),
    Page("team_page", TEAM, OWN),
    Page("team_members", TEAM, OWN, fixed(login="loner", roles=["viewer"]), LEAD),
    Page("member_change", MEMBER, OWN, fixed(roles=["tester"]), LEAD, shown=False),
    Page("member_remove", MEMBER, OWN, fixed(), LEAD, shown=False),
    Page("team_environments", TEAM, OWN),
    Page("environment_new", TEAM, ("admin",), fixed(cluster="shop-cluster", stage="test", accepts="any", slug="more",
         name="More", namespace="more"), ("admin",)),
    Page("environment_page", PLACE, OWN, fixed(name="Other", accepts="any"), ("admin",)),
    Page("environment_remove", BROKEN, OWN, fixed(), ("admin",), shown=False),
]  # fmt: skip
APPS = [
    Page("app_new", PLACE, OWN, fixed(name="Fresh", slug="fresh"), EDIT),
    Page("app_page", APP, OWN),
    Page("app_parts", APP, OWN),
    Page("app_state", APP, OWN, fixed(state="stopped"), OPERATE, shown=False),
    Page("app_settings", APP, OWN, fixed(name="Other"), EDIT),
    Page("app_remove", APP, OWN, fixed(volumes="keep"), EDIT, shown=False),
    Page("app_events", APP, OWN),
    Page("app_components", APP, OWN),
    Page("component_new", APP, OWN, fixed(**COMPONENT_FORM), EDIT),
    Page("component_page", COMPONENT, OWN, fixed(**COMPONENT_FORM), EDIT),
    Page("component_remove", COMPONENT, OWN, fixed(), EDIT, shown=False),
    Page("component_log", COMPONENT, OWN),
    Page("app_deploy", APP, OWN, fixed(refresh_images="true"), EDIT),
    Page("app_revisions", APP, OWN),
    Page("revision_page", REVISION, OWN),
]
MARKET = [
    Page("market"),
    Page("template_page", TEMPLATE, OF_TEMPLATE),
    Page("template_compare", TEMPLATE, OF_TEMPLATE, query={"from": "1.0", "to": "1.0"}),
    Page("template_install", TEMPLATE, OF_TEMPLATE, fixed(do="install", version="1.0", environments=["shop-test"],
         app_name="Third", app_slug="third"), DELIVER),
    Page("template_environments", TEMPLATE, OF_TEMPLATE),
    Page("template_intro", TEMPLATE, OF_TEMPLATE, fixed(name="own-template", scope="team", intro="Other", tags=""),
         ("admin", "market", *(part for part in PUBLISH if part != "admin"))),
    Page("template_marks", TEMPLATE, OF_TEMPLATE),
    Page("version_page", VERSION, OF_TEMPLATE),
    Page("version_mark", VERSION, OF_TEMPLATE, fixed(mark="release", reason="ok"), MARK, shown=False),
    Page("app_publish", APP, OWN, fixed(template="", new_name="Fresh", new_slug="fresh", new_scope="team",
         number="1.0", components=["web"]), PUBLISH),
    Page("publication_page", PUBLICATION, OWN),
    Page("publication_parts", PUBLICATION, OWN),
    Page("publication_confirm", PUBLICATION, OWN, fixed(), PUBLISH, shown=False),
    Page("publication_give_up", PUBLICATION, OWN, fixed(), PUBLISH, shown=False),
    Page("app_upgrade", BOUGHT, OWN, fixed(version="2.0"), DELIVER),
]  # fmt: skip
WORK = [
    Page("operation_list"),
    Page("operation_page", operation("queued"), OWN),
    Page("operation_parts", operation("queued"), OWN),
    Page("operation_log_text", operation("queued"), OWN),
    Page("operation_cancel", operation("queued"), OWN, fixed(), EDIT, shown=False),
    Page("operation_retry", operation("failed"), OWN, fixed(), EDIT, shown=False),
]
PLATFORM = [
    Page("cluster_list", sees=ADMINS),
    Page("cluster_new", sees=ADMINS, form=fixed(endpoint="https://127.0.0.1:6443", token="t"), may=ADMINS),
    Page("cluster_page", CLUSTER, ("admin",), fixed(name="Other"), ("admin",)),
    Page("cluster_remove", SPARE, ("admin",), fixed(confirm_name="shop-spare"), ("admin",), shown=False),
    Page("registry_settings", sees=ADMINS, form=fixed(act="save", **REGISTRY), may=ADMINS),
]
PAGES = [*PEOPLE, *TEAMS, *APPS, *MARKET, *WORK, *PLATFORM]

OPEN = {"sign_in", "sign_out", "set_language", "livez", "readyz", "metrics", "api_docs", "api_problem"}
"""Open to everybody, signed in or not."""
OWN_TESTS = {
    "token_revoke": "answers the same for every prefix that is no token of one's own",
    "environment_retry": "needs a preparation that failed as an operation",
    "publication_retry": "needs a publication that failed",
    "app_rollback": "needs an earlier deployed revision",
    "plan_parts": "needs a plan",
}
"""Pages whose things the cast does not have: that foreign is absent is held for them below, the rest where they are
tested."""
_PLAN = operation("queued")
WALLS = {
    "environment_retry": (BROKEN, "POST"),
    "publication_retry": (PUBLICATION, "POST"),
    "app_rollback": (REVISION, "GET"),
    "plan_parts": (_PLAN, "GET"),
}
STREAMS = {"operation-events", "component_log_text"}
"""Served by the streams process; their walls are tested there."""

__all__ = ["OPEN", "OWN_TESTS", "PAGES", "STREAMS", "WALLS", "Page"]
