"""Making, using and revoking access tokens."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from console.kit.context import RequestContext, surrounding
from console.kit.errors import Invalid, NotFound, Refused, Stale
from teams.actions.tokens import create_token, revoke_token
from teams.models import AuditEvent, Token
from teams.secret import read_token
from tests.builders import make_token, make_user
from tests.cast import Api, Cast
from tests.teams.refusals import refused

MONTH = timedelta(days=30)


def test_the_row_holds_the_hash_and_the_prefix_only(cast: Cast) -> None:
    token, text = create_token(name=" ci ", expires_at=timezone.now() + MONTH, acting_user=cast.viewer)
    token.refresh_from_db()
    assert (token.name, token.prefix, len(text)) == ("ci", text[:8], 66)
    assert bytes(token.hash) == hashlib.sha256(bytes.fromhex(text[2:])).digest() == read_token(text)
    event = AuditEvent.objects.get(action="token.created")
    assert (event.actor, event.object_label) == (cast.viewer, token.prefix)
    assert text not in str(event.after)


def test_a_token_ends_within_a_year(cast: Cast) -> None:
    now = timezone.now()
    for end in (now - timedelta(seconds=1), now + timedelta(days=366)):
        with refused(Invalid, "invalid", ("/expires_at", "value_out_of_range")):
            create_token(name="ci", expires_at=end, acting_user=cast.viewer)
    create_token(name="ci", expires_at=now + timedelta(days=365), acting_user=cast.viewer)


def test_a_token_made_with_a_token_does_not_outlive_it(cast: Cast) -> None:
    token, _ = make_token(cast.viewer, days=10)
    with surrounding(RequestContext("r-1234567", token_id=token.pk)):
        with refused(Invalid, "invalid", ("/expires_at", "value_out_of_range")):
            create_token(name="ci", expires_at=timezone.now() + MONTH, acting_user=cast.viewer)
        create_token(name="ci", expires_at=timezone.now() + timedelta(days=9), acting_user=cast.viewer)


def test_a_name_is_taken_while_its_token_lives(cast: Cast) -> None:
    token, _ = create_token(name="ci", expires_at=timezone.now() + MONTH, acting_user=cast.viewer)
    with refused(Refused, "name_taken", ("/name", "name_taken")):
        create_token(name="ci", expires_at=timezone.now() + MONTH, acting_user=cast.viewer)
    create_token(name="ci", expires_at=timezone.now() + MONTH, acting_user=cast.lead)
    revoke_token(prefix=token.prefix, acting_user=cast.viewer)
    create_token(name="ci", expires_at=timezone.now() + MONTH, acting_user=cast.viewer)


def test_revoking_ends_a_token_at_once(cast: Cast) -> None:
    token, text = make_token(cast.viewer)
    api = Api(cast.viewer, text)
    assert api.get("me").status_code == 200
    with refused(Stale, "etag_mismatch"):
        revoke_token(prefix=token.prefix, acting_user=cast.viewer, expected_version=9)
    revoke_token(prefix=token.prefix, acting_user=cast.viewer)
    assert api.get("me").json()["code"] == "token_invalid"
    assert AuditEvent.objects.get(action="token.revoked").object_label == token.prefix


def test_only_ones_own_and_only_once(cast: Cast) -> None:
    token, _ = make_token(cast.viewer)
    for acting in (cast.admin, cast.lead):
        with refused(NotFound, "not_found"):
            revoke_token(prefix=token.prefix, acting_user=acting)
    revoke_token(prefix=token.prefix, acting_user=cast.viewer)
    with refused(NotFound, "not_found"):
        revoke_token(prefix=token.prefix, acting_user=cast.viewer)


@pytest.mark.parametrize(
    "text", ["", "x", "wb", "wb" + "0" * 64, "wb" + "G" * 64, "wb" + "0" * 63, "wb" + "0" * 65, "WB" + "0" * 64]
)
def test_what_is_no_token_is_refused_alike(cast: Cast, text: str) -> None:
    response = Api(None).get("me", headers={"Authorization": f"Bearer {text}"})
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="waybill", error="invalid_token"'


def test_another_scheme_is_no_way_in(cast: Cast) -> None:
    text = make_token(cast.viewer)[1]
    for header in (f"Basic {text}", f"Token {text}", text):
        assert Api(None).get("me", headers={"Authorization": header}).status_code == 401
    assert Api(None).get("me", headers={"Authorization": f"bearer {text}"}).status_code == 200


def test_a_header_is_never_passed_over_for_the_session(cast: Cast) -> None:
    api = Api(cast.admin, "wb" + "0" * 64)
    api.client.force_login(cast.admin)
    assert api.get("me").status_code == 401


def test_an_expired_token_says_so(cast: Cast) -> None:
    token, text = make_token(cast.viewer)
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert Api(cast.viewer, text).get("me").json()["code"] == "token_expired"


def test_a_token_of_a_disabled_user_is_none(cast: Cast) -> None:
    user = make_user(cast.enterprise)
    api = Api(user)
    user.is_active = False
    user.save()
    assert api.get("me").json()["code"] == "token_invalid"


def test_the_last_use_is_kept_and_changes_no_version(cast: Cast) -> None:
    token, text = make_token(cast.viewer)
    Api(cast.viewer, text).get("me")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert (token.last_used_ip, token.row_version) == ("127.0.0.1", 1)
    used = token.last_used_at
    Api(cast.viewer, text).get("me")
    token.refresh_from_db()
    assert token.last_used_at == used


def test_what_a_token_does_is_audited_with_it(cast: Cast) -> None:
    token, text = make_token(cast.admin)
    Api(cast.admin, text).patch("teams/shop", {"name": "Store"})
    event = AuditEvent.objects.get(action="team.renamed")
    assert (event.token, event.actor) == (token, cast.admin)
