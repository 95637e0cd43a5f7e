"""What the demo says when everything is there: who signs in where, to do what next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.local import road
from deploy.local.ground import TEST_APP
from deploy.local.people import PEOPLE
from deploy.local.platform import Platform

LIST = "/environments/%s/apps/admin-console"


def what_is_next(
    console: str, platform: Platform, people: Path, registry: Path, *, is_set_up: bool, is_walked: bool
) -> Iterator[str]:
    """Give the lines: the steps that are left to a person, with addresses, and where the passwords are."""
    yield ""
    yield f"The console: {console}; passwords: {people}"
    if is_walked:
        yield f"All ten steps were walked by REST; what came of it: {console}/operations"
    else:
        yield from _to_publish(console) if is_set_up else _to_set_up(console, platform)
    yield f"Registry: {platform.registry.address}; its accounts and certificate authority: {registry}"
    yield f"  The application's images: {platform.registry.address}/dev/web, api, db, cache, worker; 1.0 and 2.0."
    real = [cluster for cluster in platform.clusters.values() if cluster.facts.real]
    if real:
        yield "Pages of applications open at the links that the console shows; they listen on this machine alone:"
        yield "  " + ", ".join(f"{cluster.name} http://{cluster.facts.host}" for cluster in real)


def _to_publish(console: str) -> Iterator[str]:
    name = {person.login: f"{person.name} ({person.login})" for person in PEOPLE}
    app, market = road.APP["name"], f"{console}/market/{road.TEMPLATE['slug']}"
    yield "Steps 1 to 4 are done: three clusters, three teams, the registry, and the test application runs. Go on:"
    yield f"   5  Sign in as {name['lilei']} and publish 1.0: {console}{TEST_APP}/publish"
    yield f"   6  As {name['hanmei']}, install it in {road.TEST[1]}, look at it, mark it Release: {market}"
    places = " and ".join(place[1] for place in road.PRODUCTION)
    yield f" 7,8  As {name['zhaomin']}, install it in {places}: {market}/install"
    yield f"   9  As lilei, change {app} and publish 2.0: {console}{TEST_APP}/components"
    yield f"      (images :2.0, one component more or less); as hanmei, mark it; as zhaomin, upgrade: {_of(console)}"
    yield f"  10  As zhaomin, roll it back there: {_of(console)}/revisions"


def _of(console: str) -> str:
    return f"{console}{LIST % road.PRODUCTION[0][0]}"


def _to_set_up(console: str, platform: Platform) -> Iterator[str]:
    yield "All ten steps are yours. Sign in as admin and begin with the clusters, each by its kubeconfig:"
    yield f"  {console}/clusters/new"
    for cluster in platform.clusters.values():
        yield f"  {cluster.name}: {platform.state / cluster.slug / 'admin.kubeconfig'}"
