"""The road by REST alone: ten steps, each with its result and its time.

Nothing here knows the console's inside: it is the client of an engineer who read the API's documentation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploy.local import road
from deploy.local.client import Client, Unexpected


class Reachable(Protocol):
    """A cluster to connect."""

    name: str
    endpoint: str
    ca_pem: str
    admin_token: str

    def kubeconfig(self) -> str:
        """Give a kubeconfig with everything inline."""
        ...


@dataclass
class Ground:
    """What the road is walked on: the console, the clusters by slug, the registry's fields, the images by version."""

    console: str
    clusters: dict[str, Reachable]
    registry: dict[str, Any]
    images: dict[str, dict[str, str]]
    token: Callable[[str], str]
    say: Callable[[str], None] = print
    people: dict[str, Client] = field(default_factory=dict)

    def person(self, login: str) -> Client:
        """Give the client of a person, with a token made for the occasion."""
        if login not in self.people:
            self.people[login] = Client(self.console, self.token(login))
        return self.people[login]


def walk(ground: Ground) -> bool:
    """Walk all ten steps and say each with its time; stop at the first that fails. Whether all succeeded."""
    began = time.monotonic()
    for number, (title, step) in enumerate(STEPS, 1):
        since = time.monotonic()
        try:
            result = step(ground)
        except (Unexpected, OSError, KeyError, AssertionError) as error:
            ground.say(f"{number:>2}  FAILED  {title}: {type(error).__name__}: {error}")
            return False
        ground.say(f"{number:>2}  ok  {time.monotonic() - since:6.1f} s  {title}: {result}")
    ground.say(f"The whole road took {time.monotonic() - began:.1f} s.")
    return True


def connect_clusters(ground: Ground) -> str:
    """Check and add each cluster: the first by address, token and CA, the others by kubeconfig."""
    admin = ground.person("admin")
    there = {cluster["slug"] for cluster in admin.listed("/clusters")}
    for number, (slug, cluster) in enumerate(ground.clusters.items()):
        if slug in there:
            continue
        body = {"kubeconfig": cluster.kubeconfig()}
        if number == 0:
            body = {"endpoint": cluster.endpoint, "token": cluster.admin_token, "ca_pem": cluster.ca_pem}
        check = admin.run("/cluster-checks", body)
        admin.ask("POST", "/clusters", {"check": check["id"], "slug": slug, "name": cluster.name}, expect=201)
    _until(lambda: all(c["health"]["state"] == "online" for c in admin.listed("/clusters")), "all clusters online")
    return ", ".join(f"{c['name']} {c['version']}" for c in admin.listed("/clusters"))


def create_teams(ground: Ground) -> str:
    """Make the people and the three teams, each with its environment."""
    admin = ground.person("admin")
    logins = {user["login"] for user in admin.listed("/users")}
    for login, name in (("lilei", "李雷"), ("hanmei", "韩梅"), ("zhaomin", "赵敏")):
        if login not in logins:
            admin.ask(
                "POST", "/users", {"login": login, "name": name, "email": None, "enterprise_roles": []}, expect=201
            )
    members = {
        "test-internal": {"lilei": ["developer"], "hanmei": ["tester"]},
        "prod-qingdao": {"zhaomin": ["delivery"]},
        "prod-shanghai": {"zhaomin": ["delivery"]},
    }
    teams = {team["slug"] for team in admin.listed("/teams")}
    for slug, name, cluster, stage in (road.TEST, *road.PRODUCTION):
        if slug in teams:
            continue
        people = [{"login": login, "roles": roles} for login, roles in members[slug].items()]
        body = {"slug": slug, "name": name, "environment": {"cluster": cluster, "stage": stage}, "members": people}
        team = admin.ask("POST", "/teams", body, expect=201).body
        admin.wait(team["environments"][0]["operation"])
    ready = [e["name"] for e in admin.listed("/environments") if e["state"] == "ready"]
    assert len(ready) >= 3, ready
    return ", ".join(ready)


def set_registry(ground: Ground) -> str:
    """Test the registry (log-in, push, a pull on each cluster), then save it."""
    admin = ground.person("admin")
    test = admin.run("/settings/registry/tests", ground.registry)
    saved = admin.ask("PUT", "/settings/registry", {"test": test["id"]}, expect=200).body
    if saved.get("operation"):
        admin.wait(saved["operation"])
    shown = admin.get("/settings/registry")
    assert shown["password_set"] is True
    assert ground.registry["password"] not in str(shown)
    return f"{shown['address']}/{shown['prefix']}, pull {shown['tested']['pull']}"


def deploy_test_application(ground: Ground) -> str:
    """Build the test application from images and deploy it."""
    developer = ground.person("lilei")
    apps = "/environments/test-internal/apps"
    developer.ask("POST", apps, road.APP, expect=201)
    _draft(ground, "1.0")
    developer.run(f"{apps}/admin-console/deployments", {"consents": []})
    return _until_running(developer, f"{apps}/admin-console")


def publish(ground: Ground) -> str:
    """Publish 1.0 as a new template, confirm it, and see a taken number refused."""
    developer = ground.person("lilei")
    body = _publication("1.0", road.TEMPLATE)
    operation = developer.run("/environments/test-internal/apps/admin-console/publications", body)
    href = operation["result"]["href"]
    copied = developer.get(href)
    assert all(image["state"] == "done" for image in copied["images"]), copied
    version = developer.ask("PUT", f"{href}/confirmation", {}, expect=200).body
    taken = developer.refused(
        "POST",
        "/environments/test-internal/apps/admin-console/publications",
        body | {"template": {"slug": "admin-console"}},
        status=409,
        code="number_taken",
    )
    return f"{version['number']} is {version['state']}, {version['bytes']} bytes; again: {taken['detail']}"


def mark_release(ground: Ground) -> str:
    """Install 1.0 in the test environment, see production refuse it, then mark it Release."""
    tester, delivery = ground.person("hanmei"), ground.person("zhaomin")
    tried = {
        "template": "admin-console",
        "version": "1.0",
        "environments": ["prod-qingdao"],
        "app": road.APP,
        "values": {},
    }
    delivery.refused("POST", "/installations", tried, status=409, code="version_not_accepted")
    there = {"template": "admin-console", "version": "1.0", "environments": ["test-internal"], "values": {}}
    tester.run("/installations", there | {"app": {"slug": "admin-console-2", "name": "后台管理系统 2"}})
    mark = {"mark": "release", "reason": "412/412", "verified_on": None}
    version = tester.ask("PUT", "/templates/admin-console/versions/1.0/mark", mark, expect=200).body
    assert version["mark"] == "release" and version["marked"]["verified_on"]["app"] == "admin-console-2", version
    return (
        f"1.0 is {version['mark']}, by {version['marked']['by']}, verified on {version['marked']['verified_on']['app']}"
    )


def install(ground: Ground) -> str:
    """See the plan for production, then install exactly that plan."""
    delivery = ground.person("zhaomin")
    body = {
        "template": "admin-console",
        "environments": ["prod-qingdao"],
        "app": road.APP,
        "values": {"web.variables.LOG_LEVEL": "debug", "web.replicas": 3},
    }
    plan = delivery.run("/installations?dry_run=true", body)
    shown = plan["plan"]
    assert shown["gate"]["allowed"] and not shown["refusals"], shown
    delivery.run("/installations", body | {"plan_id": plan["id"]})
    running = _until_running(delivery, "/environments/prod-qingdao/apps/admin-console")
    return f"planned {shown['objects']['create']} objects; {running}"


def install_everywhere(ground: Ground) -> str:
    """Install in several environments by one operation with a child for each."""
    delivery = ground.person("zhaomin")
    environments = ["prod-shanghai", "prod-qingdao"]
    body = {
        "template": "admin-console",
        "environments": environments,
        "app": {"slug": "second", "name": "Second"},
        "values": {},
    }
    batch = delivery.run("/installations", body)
    assert len(batch["children"]) == 2, batch
    for environment in environments:
        _until_running(delivery, f"/environments/{environment}/apps/second")
    return f"{batch['id']} with {', '.join(batch['children'])}"


def upgrade(ground: Ground) -> str:
    """Publish and mark 2.0, see old → new, upgrade production, and find its own value kept."""
    developer, tester, delivery = ground.person("lilei"), ground.person("hanmei"), ground.person("zhaomin")
    app = "/environments/test-internal/apps/admin-console"
    _draft(ground, "2.0")
    developer.run(f"{app}/deployments", {"consents": []})
    developer.run(f"{app}/publications", _publication("2.0", {"slug": "admin-console"}) | {"confirm_by_itself": True})
    tester.run("/environments/test-internal/apps/admin-console-2/upgrades", {"version": "2.0"})
    tester.ask("PUT", "/templates/admin-console/versions/2.0/mark", {"mark": "release"}, expect=200)
    target = "/environments/prod-qingdao/apps/admin-console"
    plan = delivery.run(f"{target}/upgrades?dry_run=true", {"version": "2.0"})
    actions = {component["key"]: component["action"] for component in plan["plan"]["components"]}
    assert actions["cache"] == "add" and actions["worker"] == "remove" and actions["web"] == "change", actions
    delivery.run(f"{target}/upgrades", {"version": "2.0", "plan_id": plan["id"]})
    running = _until_running(delivery, target)
    revision = delivery.listed(f"{target}/revisions")[0]
    assert revision["values"]["web.variables.LOG_LEVEL"]["value"] == "debug", revision["values"]
    return f"{actions}; kept LOG_LEVEL = debug; {running}"


def roll_back(ground: Ground) -> str:
    """Roll production back to 1.0 and see that it equals the recorded revision, worker back and cache gone."""
    delivery = ground.person("zhaomin")
    target = "/environments/prod-qingdao/apps/admin-console"
    delivery.run(f"{target}/rollbacks", {"revision": 1})
    running = _until_running(delivery, target)
    records = delivery.listed(f"{target}/revisions")
    assert [r["number"] for r in records] == [3, 2, 1] and records[0]["rolls_back_to"] == 1, records
    newest = delivery.get(f"{target}/revisions/3")
    assert newest["equals"]["equal"] is True, newest["equals"]
    keys = {component["key"] for component in delivery.get(target)["components"]}
    assert keys == {"web", "api", "db", "worker"}, keys
    return f"revision 3 equals revision 1, not restored: {newest['not_restored']}; {running}"


def _publication(number: str, template: dict[str, Any]) -> dict[str, Any]:
    return {
        "template": template,
        "number": number,
        "alias": None,
        "notes": f"the sample, {number}",
        "parameters": road.parameters(),
        "confirm_by_itself": False,
    }


def _draft(ground: Ground, version: str) -> None:
    """Bring the draft to `version`: put what differs, add what is new, delete what is gone."""
    developer = ground.person("lilei")
    path = "/environments/test-internal/apps/admin-console/components"
    there = {component["key"] for component in developer.listed(path)}
    wanted = road.components(ground.images[version], version, (ground.registry["user"], ground.registry["password"]))
    for component in wanted:
        if component["key"] in there:
            developer.ask("PUT", f"{path}/{component['key']}", component, expect=200)
        else:
            developer.ask("POST", path, component, expect=201)
    for key in sorted(there - {component["key"] for component in wanted}):
        developer.ask("DELETE", f"{path}/{key}", expect=204)


def _until_running(client: Client, path: str) -> str:
    def running() -> bool:
        shown = client.get(path)["status"]
        return shown["state"] == "running" and shown["digests_match"] is True

    _until(running, f"{path} running with the right digests", lambda: client.get(path)["status"])
    shown = client.get(path)
    ready = ", ".join(f"{c['key']} {c['ready']}/{c['desired']}" for c in shown["components"])
    return f"{shown['slug']} {shown['status']['state']} ({ready})"


def _until(holds: Callable[[], bool], what: str, seen: Callable[[], Any] = lambda: "", *, within: float = 60) -> None:
    until = time.monotonic() + within
    while not holds():
        if time.monotonic() > until:
            raise Unexpected(f"not within {within:.0f} s: {what} {seen()}")
        time.sleep(0.3)


STEPS: tuple[tuple[str, Callable[[Ground], str]], ...] = (
    ("Clusters connected", connect_clusters),
    ("Teams and their environments", create_teams),
    ("Image registry", set_registry),
    ("Test application", deploy_test_application),
    ("Published", publish),
    ("Marked Release", mark_release),
    ("Installed in production", install),
    ("Installed in several environments", install_everywhere),
    ("Upgraded", upgrade),
    ("Rolled back", roll_back),
)
