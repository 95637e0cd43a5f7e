"""The matrix rows of clusters, environments and applications."""

from __future__ import annotations

from typing import Any

from clusters.models import Application, Component
from clusters.spec import check_component
from teams.models import Team
from tests.access.rows import EVERYONE, Address, Places, Row, slugs
from tests.cast import Cast
from tests.clusters.working import key, make_cluster, make_environment
from tests.marketplace.world import deployed, part

DIGEST = "sha256:" + "0" * 64


def component(name: str = "web") -> dict[str, Any]:
    """A component as a body gives it."""
    return {
        "key": name,
        "name": name.title(),
        "image": {"reference": "registry.example.com/dev/web:1"},
        "run_as": {"user": 10001, "group": 10001},
    }


def _place(team: Team, prefix: str) -> Application:
    """A cluster, two environments, one that failed, and an application with a draft and a revision."""
    cluster = make_cluster(team.enterprise, f"{prefix}-cluster", health="online")
    environment = make_environment(team, cluster, f"{prefix}-test")
    make_environment(team, cluster, f"{prefix}-prod", stage="production", accepts="release")
    make_environment(team, cluster, f"{prefix}-broken", state="failed")
    make_cluster(team.enterprise, f"{prefix}-spare")
    app = deployed(environment, [part("web", "registry.example.com/dev/web:1", DIGEST)], slug="made")
    Component.objects.create(
        application=app, key="web", name="Web", definition=check_component(component()), position=0
    )
    return app


def furnish(cast: Cast) -> None:
    """The same things here and elsewhere."""
    cast.things["made"] = _place(cast.team, "shop")
    cast.things["foreign_made"] = _place(cast.foreign_team, "foreign")


def _there(what: str, **names: str) -> Places:
    """`what` of `shop-…` here, of `foreign-…` elsewhere, of nowhere; `names` are the same everywhere."""

    def named(prefix: str, name: str) -> Address:
        return slugs(**{name: f"{prefix}", **names})

    kind, _, ending = what.partition(":")
    return Places(named(f"shop-{ending}", kind), named(f"foreign-{ending}", kind), named(f"nowhere-{ending}", kind))


_CLUSTER, _SPARE = _there("cluster:cluster"), _there("cluster:spare")
_ENVIRONMENT, _BROKEN = _there("environment:test"), _there("environment:broken")
_APP = _there("environment:test", app="made")
_COMPONENT = _there("environment:test", app="made", key="web")
_REVISION = _there("environment:test", app="made", number="1")
_TEAM = Places(slugs(team="shop"), slugs(team="foreign"), slugs(team="nowhere"))
_APPS = "environments/<slug:environment>/apps"
_ONE = f"{_APPS}/<slug:app>"


def _check(cast: Cast) -> dict[str, Any]:
    return {"endpoint": "https://127.0.0.1:6443", "token": "t", "ca_pem": None}


def _environment(cast: Cast) -> dict[str, Any]:
    return {"cluster": "shop-cluster", "slug": "another", "stage": "test"}


ROWS = [
    Row("POST", "cluster-checks", ok=202, body=_check, headers=key),
    Row("GET", "clusters"),
    # The check does not exist: whoever may connect clusters is told so.
    Row("POST", "clusters", ok=422, body=lambda cast: {"check": "op-999999999", "slug": "other", "name": "Other"}),
    Row("GET", "clusters/<slug:cluster>", at=_CLUSTER, sees=("admin",)),
    Row("PATCH", "clusters/<slug:cluster>", at=_CLUSTER, body=lambda cast: {"name": "Other"}, sees=("admin",)),
    Row("DELETE", "clusters/<slug:cluster>", ok=204, at=_SPARE, sees=("admin",)),
    Row("POST", "teams/<slug:team>/environments", ok=202, at=_TEAM, body=_environment, headers=key),
    Row("GET", "environments", may=EVERYONE),
    Row("GET", "environments/<slug:environment>", at=_ENVIRONMENT),
    Row("PATCH", "environments/<slug:environment>", at=_ENVIRONMENT, body=lambda cast: {"name": "Other"}),
    Row("DELETE", "environments/<slug:environment>", ok=204, at=_BROKEN),
    Row("GET", _APPS, at=_ENVIRONMENT),
    Row("POST", _APPS, ok=201, at=_ENVIRONMENT, body=lambda cast: {"slug": "other", "name": "Other"}),
    Row("GET", _ONE, at=_APP),
    Row("PATCH", _ONE, at=_APP, body=lambda cast: {"name": "Other"}),
    Row("DELETE", _ONE, ok=202, at=_APP),
    Row("GET", f"{_ONE}/components", at=_APP),
    Row("POST", f"{_ONE}/components", ok=201, at=_APP, body=lambda cast: component("api")),
    Row("GET", f"{_ONE}/components/<slug:key>", at=_COMPONENT),
    Row("PUT", f"{_ONE}/components/<slug:key>", at=_COMPONENT, body=lambda cast: component()),
    Row("DELETE", f"{_ONE}/components/<slug:key>", ok=204, at=_COMPONENT),
    Row("POST", f"{_ONE}/deployments", ok=202, at=_APP, body=lambda cast: {"refresh_images": True}, headers=key),
    Row("PUT", f"{_ONE}/desired-state", ok=202, at=_APP, body=lambda cast: {"state": "stopped"}, headers=key),
    Row("GET", f"{_ONE}/events", at=_APP),
    Row("GET", f"{_ONE}/revisions", at=_APP),
    Row("GET", f"{_ONE}/revisions/<int:number>", at=_REVISION),
    Row("GET", f"{_ONE}/revisions/<int:number>/manifests", at=_REVISION),
    Row("GET", f"{_ONE}/revisions/<int:number>/differences", at=_REVISION),
]
