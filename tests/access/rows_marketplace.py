"""The matrix rows of the market."""

from __future__ import annotations

import secrets

from marketplace.models import Publication, Version
from teams.models import Team, User
from tests.access.rows import MEMBERS, Places, Row, slugs
from tests.cast import Cast
from tests.marketplace import world

SETTINGS = {"address": "registry.example.com", "prefix": "library", "user": "ci", "password": "p"}


def furnish(cast: Cast) -> None:
    """A registry, a deployed application with a publication to confirm, a template that the team alone sees."""
    for team, by, name in ((cast.team, cast.developer, "own"), (cast.foreign_team, cast.stranger, "foreign")):
        world.make_registry(by, "registry.example.com")
        _published(team, by, f"{name}-template")
        _ready(team, by, f"{name}-place")


def _published(team: Team, by: User, slug: str) -> None:
    world.make_version(world.make_template(team, slug, scope="team"), "1.0", by)


def _ready(team: Team, by: User, slug: str) -> None:
    """A publication that waits for its confirmation."""
    image, title = "registry.example.com/dev/web:1", {"name": "TITLE", "value": "Goods"}
    component = world.part("web", image, f"sha256:{secrets.token_hex(32)}", variables=[title])
    app = world.deployed(world.make_place(team, slug), [component])
    template = world.make_template(team, f"{slug}-new")
    version = world.make_version(template, "1.0", by)
    waiting = Version.objects.create(
        template=template, number="2.0", sort_key="000002.000000.000000~", registry=version.registry
    )
    assert app.current_revision is not None
    Publication.objects.create(
        application=app,
        number=1,
        revision=app.current_revision,
        version=waiting,
        template_slug=template.slug,
        version_number="2.0",
        settings={"components": ["web"], "parameters": []},
        state="ready",
        operation=world.operation_done(team.enterprise, "deploy", team),
        by=by,
    )


_APP = Places(
    slugs(environment="own-place", app="back-office"),
    slugs(environment="foreign-place", app="back-office"),
    slugs(environment="nowhere", app="back-office"),
)
_PUBLICATION = Places(
    slugs(environment="own-place", app="back-office", number="1"),
    slugs(environment="foreign-place", app="back-office", number="1"),
    slugs(environment="nowhere", app="back-office", number="1"),
)
_TEMPLATE = Places(slugs(template="own-template"), slugs(template="foreign-template"), slugs(template="nowhere"))
_VERSION = Places(
    slugs(template="own-template", number="1.0"),
    slugs(template="foreign-template", number="1.0"),
    slugs(template="nowhere", number="1.0"),
)
_SEES = ("admin", "market", *MEMBERS)
_APPS = "environments/<slug:environment>/apps/<slug:app>"
_VERSIONS = "templates/<slug:template>/versions/<str:number>"

ROWS = [
    Row("GET", "settings/registry"),
    Row("PUT", "settings/registry", body=lambda cast: {**SETTINGS, "save_untested": True}),
    Row("POST", "settings/registry/tests", ok=202, body=lambda cast: SETTINGS, headers=world.key),
    Row(
        "POST",
        f"{_APPS}/publications",
        ok=202,
        at=_APP,
        body=lambda cast: {"template": {"name": "Fresh"}, "number": "1.0"},
        headers=world.key,
    ),
    Row("GET", f"{_APPS}/publications/<int:number>", at=_PUBLICATION),
    Row("DELETE", f"{_APPS}/publications/<int:number>", ok=204, at=_PUBLICATION),
    Row("PUT", f"{_APPS}/publications/<int:number>/confirmation", at=_PUBLICATION, body=lambda cast: {}),
    Row("GET", "templates"),
    Row("GET", "templates/<slug:template>", at=_TEMPLATE, sees=_SEES),
    Row(
        "PATCH",
        "templates/<slug:template>",
        at=_TEMPLATE,
        sees=_SEES,
        may=("admin", "market", "lead", "developer"),
        body=lambda cast: {"intro": "Other"},
    ),
    Row("GET", "templates/<slug:template>/versions", at=_TEMPLATE, sees=_SEES),
    Row("GET", _VERSIONS, at=_VERSION, sees=_SEES),
    Row("GET", f"{_VERSIONS}/document", at=_VERSION, sees=_SEES),
    Row("PUT", f"{_VERSIONS}/mark", at=_VERSION, sees=_SEES, body=lambda cast: {"mark": "release", "reason": "ok"}),
    Row("GET", f"{_VERSIONS}/marks", at=_VERSION, sees=_SEES),
]
