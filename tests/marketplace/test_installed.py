"""What an application's JSON says of the market: template, version, mark, and what is newer and accepted here."""

from __future__ import annotations

from typing import Any

from marketplace.models import Installation
from tests.cast import Cast
from tests.marketplace.world import deployed, make_place, make_template, make_version, part

DIGEST = "sha256:" + "0" * 64


def _shown(cast: Cast, environment: Any) -> Any:
    return cast.api("viewer").get(f"environments/{environment.slug}/apps/back-office").json()["installed"]


def test_an_application_says_what_it_holds_and_what_is_newer_here(cast: Cast) -> None:
    template = make_template(cast.team, "office")
    first = make_version(template, "1.0", cast.developer, mark="release")
    anything, releases = make_place(cast.team), make_place(cast.team, stage="production", accepts="release")
    for place in (anything, releases):
        app = deployed(place, [part("web", "registry.example.com/dev/web:1", DIGEST)], origin="market")
        Installation.objects.create(application=app, template=template, version=first)
    expected = {"template": "office", "version": "1.0", "mark": "release", "newer": None}
    assert _shown(cast, anything) == _shown(cast, releases) == expected
    make_version(template, "2.0", cast.developer)
    assert _shown(cast, anything) == {**expected, "newer": "2.0"}
    assert _shown(cast, releases) == expected
    make_version(template, "1.1", cast.developer, mark="release")
    assert _shown(cast, releases) == {**expected, "newer": "1.1"}
    Installation.objects.update(version=None)
    assert _shown(cast, releases) == {"template": "office", "version": None, "mark": None, "newer": None}
