"""The matrix rows of delivering: installing, upgrading, rolling back."""

from __future__ import annotations

from typing import Any

from clusters.models import Environment
from tests.access.rows import Places, Row, holders, slugs
from tests.cast import Cast
from tests.clusters.working import key
from tests.marketplace import world


def furnish(cast: Cast) -> None:
    """A template everyone sees with two versions, the first of them installed; here and elsewhere."""
    for team, by, prefix in ((cast.team, cast.developer, "shop"), (cast.foreign_team, cast.stranger, "foreign")):
        template = world.make_template(team, f"{prefix}-goods")
        first = world.make_version(template, "1.0", by, mark="release")
        world.make_version(template, "2.0", by)
        world.install(Environment.objects.get(slug=f"{prefix}-test"), first, slug="bought")


_BOUGHT = Places(
    slugs(environment="shop-test", app="bought"),
    slugs(environment="foreign-test", app="bought"),
    slugs(environment="nowhere-test", app="bought"),
)
_APP = "environments/<slug:environment>/apps/<slug:app>"


def _install(cast: Cast) -> dict[str, Any]:
    return {
        "template": "shop-goods",
        "version": "1.0",
        "environments": ["shop-test"],
        "app": {"slug": "third", "name": "Third"},
    }


ROWS = [
    Row(
        "POST",
        "installations",
        ok=202,
        body=_install,
        headers=key,
        may=holders("deliver_test"),
        # Where one is no member there is no such environment; elsewhere there is no such template.
        instead={"market": 422, "neighbour": 422, "loner": 422, "stranger": 422},
    ),
    Row("POST", f"{_APP}/upgrades", ok=202, at=_BOUGHT, body=lambda cast: {"version": "2.0"}, headers=key),
    # There is one revision only, and none before it to return to: whoever may roll back is told so.
    Row("POST", f"{_APP}/rollbacks", ok=422, at=_BOUGHT, body=lambda cast: {"revision": 7}, headers=key),
]
