"""A canary lies in every field that takes a secret; the road is walked; nothing that the console writes holds one.

The processes are those of a deployment, logging all they can. What is searched: their logs, every table, every answer
of the API, every page, the trail as a file, the events of every operation. Canaries in fields that are no secrets are
found in each of these places: whatever is looked for can be found there.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from clusters.kube import connect
from clusters.models import Application, Cluster, Component, Environment, Revision
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from marketplace.models import Publication, Version
from operations.models import Operation
from teams.models import Token, User
from tests.access.matrix import routes
from tests.cast import Cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.working import ended, key, unique
from tests.security.processes import Caller, Console, Told
from tests.security.traces import dump, traces

pytestmark = pytest.mark.timeout(400)

RUN_AS = {"user": 10001, "group": 10001}
SEEN_ONCE = {"/api/v1/tokens", "/api/v1/users", "/api/v1/users/tester/one-time-password"}
"""Answers that show a secret to whoever made it, this once."""
SIGN_IN = "/auth/sign-in"


def canary(name: str) -> str:
    """Make one."""
    return f"canary{name.replace(' ', '')}{secrets.token_hex(8)}"


@dataclass
class Walk:
    """The road, walked by people who type a canary wherever a secret is asked for."""

    people: Cast
    console: Console
    cluster: LocalCluster
    registry: RegistryFacts
    images: dict[str, str]
    hidden: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    heard: dict[str, bytes] = field(default_factory=dict)
    places: list[str] = field(default_factory=lambda: [unique("can"), unique("can")])

    def hide(self, name: str, value: str | None = None) -> str:
        """Note a secret; without a value, a fresh canary."""
        self.hidden[name] = value or canary(name)
        return self.hidden[name]

    def show(self, name: str) -> str:
        """Note what is no secret."""
        self.shown[name] = canary(name)
        return self.shown[name]

    def ask(self, part: str, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        """Ask by REST; what is heard is searched later."""
        caller = Caller(self.console.web, token=self.people.api(part).token)
        path = f"/api/v1/{path}"
        answer = caller.ask(method, path, body, **key())
        assert answer.status == expect, (path, answer.status, answer.body[:600])
        if path not in SEEN_ONCE:
            self.heard[f"{method} {path} {len(self.heard)}"] = answer.body
        return answer.json() if answer.body else None

    def run(self, part: str, path: str, body: Any, *, state: str = "succeeded", method: str = "POST") -> Any:
        """Start work and wait for its end."""
        told = self.ask(part, method, path, body, expect=202)
        row = ended(told["id"], seconds=120)
        assert row.state == state, (path, row.state, row.outcome_code, row.outcome_params)
        return told

    # --- The road ------------------------------------------------------------------------------------------------

    def platform(self) -> None:
        """Clusters and the registry, each first with a wrong secret."""
        self.hide("the cluster's token", self.cluster.admin_token)
        typed = {"endpoint": self.cluster.endpoint, "ca_pem": self.cluster.ca_pem}
        self.run("admin", "cluster-checks", {**typed, "token": self.hide("a wrong token")}, state="failed")
        refused = json.dumps({"users": [{"name": "u", "user": {"token": self.hide("a kubeconfig"), "exec": {}}}]})
        self.ask("admin", "POST", "cluster-checks", {"kubeconfig": refused}, expect=422)
        check = self.run("admin", "cluster-checks", {**typed, "token": self.cluster.admin_token})
        name = self.show("cluster name")
        self.ask("admin", "POST", "clusters", {"check": check["id"], "slug": "here", "name": name}, expect=201)
        facts = self.registry
        place = {"address": facts.address, "prefix": unique("lib"), "ca_pem": facts.ca_pem, "plain_http": False}
        wrong = {"user": "nobody", "password": self.hide("a wrong registry password")}
        self.run("admin", "settings/registry/tests", {**place, **wrong}, state="failed")
        self.hide("the registry's password", facts.password)
        self.hide("the pull password", facts.pull_password)
        accounts = {"user": facts.user, "password": facts.password}
        accounts |= {"pull_user": facts.pull_user, "pull_password": facts.pull_password}
        test = self.run("admin", "settings/registry/tests", {**place, **accounts})
        self.ask("admin", "PUT", "settings/registry", {"test": test["id"]}, expect=200)
        for slug in self.places:
            wish = {"cluster": "here", "slug": slug, "stage": "test", "name": slug}
            self.run("admin", "teams/shop/environments", wish)

    def made(self) -> None:
        """An application with secrets, deployed, and one whose own registry account is wrong."""
        apps = f"environments/{self.places[0]}/apps"
        self.ask("developer", "POST", apps, {"slug": "made", "name": self.show("app name")}, expect=201)
        self.ask("developer", "POST", f"{apps}/made/components", self._component(), expect=201)
        self.run("developer", f"{apps}/made/deployments?dry_run=true", {})
        self.run("developer", f"{apps}/made/deployments", {})
        self.ask("developer", "POST", apps, {"slug": "wrong", "name": "Wrong"}, expect=201)
        account = {"user": "nobody", "password": self.hide("a component's wrong account")}
        image = {"reference": self.images["web"], **account}
        wrong = {"key": "web", "image": image, "args": ["web"], "run_as": RUN_AS}
        self.ask("developer", "POST", f"{apps}/wrong/components", wrong, expect=201)
        self.run("developer", f"{apps}/wrong/deployments", {}, state="failed")

    def _component(self) -> dict[str, Any]:
        account = {"user": self.registry.pull_user, "password": self.registry.pull_password}
        file = {"path": "/etc/web/app.conf", "content": "password=${PASSWORD}\n"}
        variables: list[dict[str, Any]] = [
            {"name": "PASSWORD", "secret": True, "value": self.hide("a secret variable")},
            {"name": "TOKEN", "secret": True},
            {"name": "KEY", "secret": True, "generate": {"length": 24, "alphabet": "hex"}},
            {"name": "TITLE", "value": self.show("plain variable")},
        ]
        image = {"reference": self.images["web"], **account}
        whole = {"key": "web", "image": image, "args": ["web"], "run_as": RUN_AS, "files": [file]}
        variables[1]["value"] = self.hide("a value to be given anew")
        return {**whole, "variables": variables}

    def market(self) -> None:
        """A version, planned and installed elsewhere with a secret of that place, then set anew."""
        apps = f"environments/{self.places[0]}/apps"
        template = {"slug": "goods", "name": self.show("template name"), "scope": "team", "intro": "", "tags": []}
        wish = {"template": template, "number": "1.0", "confirm_by_itself": True}
        self.run("developer", f"{apps}/made/publications", wish)
        order: dict[str, Any] = {"template": "goods", "version": "1.0", "environments": [self.places[1]]}
        order |= {"app": {"slug": "bought", "name": "Bought"}}
        secret = {"web.variables.TOKEN": self.hide("an installed secret")}
        secret["web.variables.PASSWORD"] = self.hide("an installed password")
        self.run("delivery", "installations?dry_run=true", {**order, "values": secret})
        self.run("delivery", "installations", {**order, "values": secret})
        self.generated()

    def generated(self) -> None:
        """What the console made itself is a secret like any other."""
        for row in Revision.objects.filter(state="deployed"):
            values: dict[str, str] = row.content().get("values") or {}
            for address, value in values.items():
                self.hidden.setdefault(f"{row.application.slug} {address}", value)

    def persons(self) -> None:
        """Tokens, passwords for one use, one's own password, and what is typed wrongly when signing in."""
        user: dict[str, Any] = {
            "login": "meimei",
            "name": self.show("person name"),
            "email": None,
            "enterprise_roles": [],
        }
        given = self.ask("admin", "POST", "users", user, expect=201)["one_time_password"]
        self.hide("a password for one use", given)
        fresh = self.ask("admin", "PUT", "users/tester/one-time-password", None, expect=200)
        self.hide("a fresh password for one use", fresh["one_time_password"])
        wish = {"name": self.show("token name"), "expires_at": "2026-12-20T00:00:00Z"}
        self.hide("an access token", self.ask("viewer", "POST", "tokens", wish, expect=201)["token"])
        browser = Caller(self.console.web)
        self._page(browser.form(SIGN_IN, login="meimei", password=self.hide("a wrong password")), 422)
        self._page(browser.form(SIGN_IN, login=self.hide("a password typed as a login"), password="x"), 422)
        self._page(browser.form(SIGN_IN, login="meimei", password=given), 302)
        new = self.hide("one's own password")
        self._page(browser.form("/account/password", current=given, new=new), 302)

    def _page(self, answer: Told, expect: int) -> None:
        assert answer.status == expect, (answer.status, answer.body[-800:])
        if b"typed as" not in answer.body:
            self.heard[f"form {len(self.heard)}"] = answer.body.replace(
                self.hidden.get("a password typed as a login", "\0").encode(), b""
            )


# --- Everything that can be read ---------------------------------------------------------------------------------


def _values() -> dict[str, list[dict[str, Any]]]:
    """Give the parameters of addresses → every thing there is."""
    apps = [{"environment": a.environment.slug, "app": a.slug, "pk": a.pk} for a in Application.objects.all()]
    keys = Component.objects.values_list("application_id", "key")
    numbers = Revision.objects.values_list("application_id", "number")
    published = Publication.objects.values_list("application_id", "number")
    return {
        "environment": [{"environment": row.slug} for row in Environment.objects.all()],
        "app": apps,
        "key": [{**app, "key": name} for app, (pk, name) in product(apps, keys) if app["pk"] == pk],
        "revision": [{**app, "number": n} for app, (pk, n) in product(apps, numbers) if app["pk"] == pk],
        "publication": [{**app, "number": n} for app, (pk, n) in product(apps, published) if app["pk"] == pk],
        "template": [{"template": "goods"}],
        "version": [{"template": "goods", "number": row.number} for row in Version.objects.all()],
        "op": [{"number": row.name} for row in Operation.objects.all()],
        "cluster": [{"cluster": row.slug} for row in Cluster.objects.all()],
        "team": [{"team": "shop"}, {"team": "depot"}],
        "login": [{"login": row.login} for row in User.objects.filter(enterprise__slug="main")],
        "prefix": [{"prefix": row.prefix} for row in Token.objects.all()],
    }


def _kind(route: str) -> str | None:
    """Name the kind of thing an address names last."""
    if "publications/" in route:
        return "publication"
    if "revisions/" in route:
        return "revision"
    names = re.findall(r"<(?:(\w+):)?(\w+)>", route)
    if not names:
        return None
    kind, name = names[-1]
    if name == "number":
        return "op" if kind == "op" else "version"
    return str(name)


def api_answers(walk: Walk) -> dict[str, bytes]:
    """Read every address of the API, as the enterprise's admin, for everything there is."""
    caller, things = Caller(walk.console.web, token=walk.people.api("admin").token), _values()
    found = {}
    for name, (route, _) in routes().items():
        if not name.startswith("GET "):
            continue
        kind = _kind(route)
        for values in things[kind] if kind else [{}]:
            path = route
            for name_of, value in values.items():
                path = re.sub(rf"<(?:\w+:)?{name_of}>", str(value), path)
            path += "?from=1" if path.endswith("/differences") else "?limit=200" if kind is None else ""
            answer = caller.get(f"/api/v1/{path}")
            if answer.status in {400, 422} and "?" in path:
                answer = caller.get(f"/api/v1/{path.partition('?')[0]}")
            assert answer.status in {200, 404, 422}, (path, answer.status, answer.body[:300])
            found[f"GET {path}"] = answer.body
    return found


def pages(walk: Walk) -> dict[str, bytes]:
    """Open every page that another one links to, as the enterprise's admin."""
    browser = Client()
    browser.force_login(walk.people.admin, backend="django.contrib.auth.backends.ModelBackend")
    caller = Caller(walk.console.web, session=browser.cookies["waybill_session"].value)
    waiting = ["/", "/audit?format=csv", "/clusters", "/users", "/settings/registry", "/account/tokens"]
    found: dict[str, bytes] = {}
    while waiting and len(found) < 250:
        path = waiting.pop()
        if path in found:
            continue
        answer = caller.get(path)
        assert answer.status < 500, (path, answer.status)
        found[path] = answer.body
        for link in re.findall(rb'(?:href|src|data-\w+)="(/[^"#]*)', answer.body):
            address = link.decode().replace("&amp;", "&")
            if urlsplit(address).path.startswith(("/static/", "/api/", "/auth/", "/events/")) or address in found:
                continue
            waiting.append(address)
    assert not waiting, f"{len(waiting)} pages were not opened"
    return found


def events(walk: Walk) -> dict[str, bytes]:
    """Read the events of every operation to their end."""
    caller = Caller(walk.console.streams, token=walk.people.api("admin").token)
    ended_ones = Operation.objects.exclude(finished_at=None)
    return {f"events of {row.name}": caller.get(f"/events/operations/{row.name}").body for row in ended_ones}


@pytest.fixture
def walk(
    people: Cast,
    served: Console,
    cluster: LocalCluster,
    registry: RegistryFacts,
    sample_images: dict[str, dict[str, str]],
) -> Iterator[Walk]:
    """The people, before their first step, and a worker."""
    made = Walk(people, served, cluster, registry, sample_images["1.0"])
    served.start_worker()
    yield made
    served.stop()
    for slug in made.places:
        remove_namespace(cluster, slug)
    connect.close_all()


def test_no_secret_is_written_anywhere(walk: Walk) -> None:
    walk.platform()
    walk.made()
    walk.market()
    walk.persons()
    answers, opened, told = api_answers(walk), pages(walk), events(walk)
    logs = {f"log of {name}": text.encode() for name, text in walk.console.logs().items()}
    tables = dump()
    own = {"the key of sessions": settings.SECRET_KEY, "the keys of secrets": settings.WAYBILL_KEYS.partition(":")[2]}
    everywhere = {**answers, **opened, **told, **logs, **tables, **walk.heard}
    assert traces({**walk.hidden, **own}, everywhere) == []
    assert len(walk.hidden) >= 18, sorted(walk.hidden)

    # Whatever is looked for can be found in each of these places.
    for places, names in (
        (answers, walk.shown),
        (opened, walk.shown),
        (tables, walk.shown),
        ({"csv": opened["/audit?format=csv"]}, ("person name", "token name")),
    ):
        for name in names:
            assert traces({name: walk.shown[name]}, places), f"{name} is not found in {next(iter(places))} …"
    assert {"log of web", "log of streams", "log of worker"} <= set(logs)
    assert told and all(b"event: operation" in text for text in told.values())


@pytest.mark.parametrize("dress", ["plain", "base64", "hex", "url"])
def test_a_secret_is_found_in_every_dress(dress: str) -> None:
    import base64
    from urllib.parse import quote

    secret = "canary/with some+signs"
    texts = {
        "plain": secret,
        "base64": base64.b64encode(f"user:{secret}".encode()).decode(),
        "hex": secret.encode().hex(),
        "url": quote(secret, safe=""),
    }
    assert traces({"it": secret}, {"here": f"… {texts[dress]} …".encode()}) == ["it in here"]
    assert traces({"it": secret}, {"here": b"nothing of the kind, canary or not"}) == []
