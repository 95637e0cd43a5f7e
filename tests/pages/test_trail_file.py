"""The trail as a file: the lines the filters leave, of what one may read, safe for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import transaction

from teams import audit
from teams.models import User
from teams.pages import trail_file
from tests.cast import Cast
from tests.pages.test_market import client_of


def _note(cast: Cast, user: User, label: str, **more: object) -> None:
    with transaction.atomic():
        audit.record(
            "team.renamed", acting_user=user, object_type="team", object_id=cast.team.pk, object_label=label,
            team=cast.team, **more,  # type: ignore[arg-type]
        )  # fmt: skip


def _read(cast: Cast, person: str, query: str = "") -> list[dict[str, str]]:
    answer = client_of(getattr(cast, person)).get(f"/audit?format=csv{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_has_what_the_filters_leave(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_file, "BATCH", 2)
    for number in range(5):
        _note(cast, cast.lead, f"shop-{number}", before={"name": "A"}, after={"name": "商店"})
    found = _read(cast, "lead", "&action=team.renamed&object=shop-")
    assert [line["object"] for line in found] == [f"shop-{number}" for number in range(4, -1, -1)]
    assert found[0]["login"] == "lead" and found[0]["after"] == '{"name": "商店"}'
    assert len(_read(cast, "lead", "&object=shop-3")) == 1
    page = client_of(cast.lead).get("/audit?object=shop-3").content.decode()
    assert 'href="/audit?object=shop-3&amp;format=csv"' in page


def test_what_somebody_typed_is_no_formula(cast: Cast) -> None:
    _note(cast, cast.lead, "=HYPERLINK(1)", reason="@SUM(A1)")
    line = _read(cast, "admin", "&object=HYPERLINK")[0]
    assert (line["object"], line["reason"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")


def test_a_trail_one_may_not_read_is_no_file_either(cast: Cast) -> None:
    _note(cast, cast.lead, "shop-x")
    assert client_of(cast.developer).get("/audit?format=csv").status_code == 404
    assert [line for line in _read(cast, "stranger") if line["object"] == "shop-x"] == []
