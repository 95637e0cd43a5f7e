"""A sealed value opens in its own row and column and nowhere else, and not when a single bit of it was changed."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from django.db import models, transaction

from clusters.models import Cluster
from console.kit import sealing, secrets
from console.kit.models import where
from operations.actions.enqueue import Subject, enqueue
from tests.cast import Cast
from tests.clusters.apps import add, make_app, make_place
from tests.clusters.working import make_cluster
from tests.marketplace.world import deployed, make_registry, part

DIGEST = "sha256:" + "0" * 64
Place = tuple[models.Model, str]


@pytest.fixture
def places(cast: Cast) -> list[Place]:
    """Two rows of every column that holds sealed values."""
    for number, slug in enumerate(("one", "two")):
        place = make_place(cast, slug)
        app = make_app(place)
        add(cast.api("developer"), app, variables=[{"name": "PASSWORD", "secret": True, "value": f"value {number}"}])
        image = part("web", "registry.example.com/dev/web:1", DIGEST)
        deployed(place, [image], slug="other", pulls={"registry.example.com": {"user": "u", "password": slug}})
        make_registry((cast.admin, cast.stranger)[number], "registry.example.com", account=("ci", slug))
        with transaction.atomic():
            subject = Subject(type="cluster", id=None, name=slug, href="/api/v1/clusters")
            enqueue(
                kind="cluster_check",
                subject=subject,
                enterprise=cast.enterprise,
                initiator=cast.admin,
                deadline_seconds=900,
                sealed={"token": slug},
            )
    found: list[Place] = []
    for model, column in sealing.columns():
        rows: Any = model._default_manager.exclude(**{column: None}).order_by("pk")[:2]
        assert len(rows) == 2, f"{model._meta.db_table}.{column} holds too little"
        found += [(row, column) for row in rows]
    return found


def opens(text: str, place: Place) -> bool:
    """Whether a sealed text opens at a place."""
    try:
        secrets.unseal(text, where(*place))
    except secrets.SecretLost:
        return False
    return True


def text_of(place: Place) -> str:
    """The sealed text that lies at a place."""
    return str(getattr(*place))


def test_nothing_opens_anywhere_else(places: list[Place]) -> None:
    assert len(places) == 12
    assert all(opens(text_of(place), place) for place in places)
    for here, there in itertools.permutations(places, 2):
        assert not opens(text_of(here), there), f"{where(*here)} opens at {where(*there)}"


def test_a_value_changed_by_a_bit_does_not_open(places: list[Place]) -> None:
    place = places[0]
    form, name, encoded = text_of(place).split(".")
    raw = base64.b64decode(encoded)
    for index in range(len(raw)):
        changed = bytearray(raw)
        changed[index] ^= 1 << (index % 8)
        assert not opens(f"{form}.{name}.{base64.b64encode(changed).decode()}", place)
    for cut in (0, 5, 12, 20, len(raw) - 1):
        assert not opens(f"{form}.{name}.{base64.b64encode(raw[:cut]).decode()}", place)
    for text in ("", ".", "wb1", f"wb1.{name}", f"wb2.{name}.{encoded}", f"wb1.other.{encoded}", f"wb1.{name}.%%%"):
        assert not opens(text, place)


def test_a_stolen_credential_signs_in_nowhere_else(cast: Cast) -> None:
    """Whoever can write to the database moves the credential of a cluster to one of their own: it does not open."""
    theirs = make_cluster(cast.enterprise, "theirs", token="a good token")
    mine = make_cluster(cast.elsewhere, "mine", token="mine")
    Cluster.objects.filter(pk=mine.pk).update(sealed=theirs.sealed)
    mine.refresh_from_db()
    with pytest.raises(secrets.SecretLost):
        mine.credential()
    assert theirs.credential() == {"token": "a good token"}
