"""What the road is walked on, and what all its steps share. Nothing here knows the console's inside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploy.local import road
from deploy.local.client import Client, Unexpected
from deploy.local.plan import RegistryFacts

TEST_APP = f"/environments/{road.TEST[0]}/apps/{road.APP['slug']}"


class Reachable(Protocol):
    """A cluster to connect."""

    name: str
    endpoint: str
    ca_pem: str
    admin_token: str
    ingress_domain: str | None

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


Step = tuple[str, Callable[[Ground], str]]


def walk(ground: Ground, steps: tuple[Step, ...]) -> bool:
    """Take the steps and say each with its time; stop at the first that fails. Whether all succeeded."""
    for number, (title, step) in enumerate(steps, 1):
        since = time.monotonic()
        try:
            result = step(ground)
        except (Unexpected, OSError, KeyError, AssertionError) as error:
            ground.say(f"{number:>2}  FAILED  {title}: {type(error).__name__}: {error}")
            return False
        ground.say(f"{number:>2}  ok  {time.monotonic() - since:6.1f} s  {title}: {result}")
    return True


def registry_body(facts: RegistryFacts) -> dict[str, Any]:
    """Give the registry as the console's REST API takes it."""
    return {
        "address": facts.address,
        "prefix": "library",
        "user": facts.user,
        "password": facts.password,
        "pull_user": facts.pull_user,
        "pull_password": facts.pull_password,
        "ca_pem": facts.ca_pem,
        "plain_http": False,
    }


def draft(ground: Ground, version: str) -> None:
    """Bring the draft to `version`: put what differs, add what is new, delete what is gone."""
    developer = ground.person("lilei")
    path = f"{TEST_APP}/components"
    there = {component["key"] for component in developer.listed(path)}
    wanted = road.components(ground.images[version], version, (ground.registry["user"], ground.registry["password"]))
    for component in wanted:
        if component["key"] in there:
            developer.ask("PUT", f"{path}/{component['key']}", component, expect=200)
        else:
            developer.ask("POST", path, component, expect=201)
    for key in sorted(there - {component["key"] for component in wanted}):
        developer.ask("DELETE", f"{path}/{key}", expect=204)


def until_running(client: Client, path: str) -> str:
    """Wait until the application runs with the right digests, and say so with its components."""

    def running() -> bool:
        shown = client.get(path)["status"]
        return shown["state"] == "running" and shown["digests_match"] is True

    until(running, f"{path} running with the right digests", lambda: client.get(path)["status"])
    shown = client.get(path)
    ready = ", ".join(f"{c['key']} {c['ready']}/{c['desired']}" for c in shown["components"])
    return f"{shown['slug']} {shown['status']['state']} ({ready})"


def until(holds: Callable[[], bool], what: str, seen: Callable[[], Any] = lambda: "", *, within: float = 60) -> None:
    """Wait until it holds; Unexpected, with what was seen last, when it does not `within` that many seconds."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise Unexpected(f"not within {within:.0f} s: {what} {seen()}")
        time.sleep(0.3)
