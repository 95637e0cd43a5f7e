"""What the database itself refuses about people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from teams import audit
from teams.models import AuditEvent, Membership, Team, Token, User
from tests.builders import make_enterprise, make_team, make_token, make_user
from tests.cast import Cast


def refused() -> transaction.Atomic:
    return transaction.atomic()


def test_an_audit_event_is_never_changed_nor_deleted(cast: Cast) -> None:
    event = audit.record(
        "user.changed", acting_user=cast.admin, object_type="user", object_id=cast.admin.pk, object_label="admin"
    )
    with pytest.raises(Error, match="insert only"), refused():
        AuditEvent.objects.filter(pk=event.pk).update(action="user.created")
    with pytest.raises(Error, match="insert only"), refused():
        AuditEvent.objects.filter(pk=event.pk).delete()
    with pytest.raises(Error, match="insert only"), refused(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET reason = 'x'")


def test_a_member_is_of_the_teams_enterprise(cast: Cast) -> None:
    with pytest.raises(Error, match="enterprise of the team"), refused():
        Membership.objects.create(team=cast.team, user=cast.stranger, role="viewer", granted_by=cast.admin)


def test_public_names_stay(cast: Cast) -> None:
    with pytest.raises(Error, match="never change"), refused():
        Team.objects.filter(pk=cast.team.pk).update(slug="other")
    with pytest.raises(Error, match="never change"), refused():
        User.objects.filter(pk=cast.admin.pk).update(login="other")
    Team.objects.filter(pk=cast.team.pk).update(name="Other")


def test_a_role_is_one_of_the_table(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="membership_role_known"), refused():
        Membership.objects.create(team=cast.team, user=cast.loner, role="boss", granted_by=cast.admin)
    with pytest.raises(IntegrityError, match="user_enterprise_roles_known"), refused():
        make_user(cast.enterprise, enterprise_roles=["king"])


def test_nobody_is_a_superuser(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="user_never_superuser"), refused():
        make_user(cast.enterprise, is_superuser=True)


def test_logins_and_addresses_are_unique_without_case(cast: Cast) -> None:
    make_user(cast.enterprise, email="a@example.com")
    with pytest.raises(IntegrityError, match="user_email_once"), refused():
        make_user(cast.elsewhere, email="A@example.com")
    with pytest.raises(IntegrityError, match="user_login_form"), refused():
        make_user(cast.enterprise, "Upper")
    make_user(cast.enterprise, email=None)
    make_user(cast.enterprise, email=None)


def test_a_removed_team_frees_its_names(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="team_slug_once"), refused():
        Team.objects.create(enterprise=cast.enterprise, slug="shop", name="Other")
    make_team(cast.elsewhere, "shop")
    Team.objects.filter(pk=cast.team.pk).update(removed_at=timezone.now())
    make_team(cast.enterprise, "shop")


def test_a_slug_has_its_form(db: None) -> None:
    for slug in ("Upper", "-a", "a--b", "a-", "1a", "ä"):
        with pytest.raises(IntegrityError, match="slug_form"), refused():
            make_enterprise(slug)


def test_a_token_has_a_name_of_its_own_while_it_lives(cast: Cast) -> None:
    token, _ = make_token(cast.admin, name="ci")
    with pytest.raises(IntegrityError, match="token_name_once"), refused():
        make_token(cast.admin, name="ci")
    Token.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    make_token(cast.admin, name="ci")


def test_an_update_raises_the_version_and_signing_in_does_not(cast: Cast) -> None:
    version = cast.admin.row_version
    cast.admin.name = "Other"
    cast.admin.save()
    assert cast.admin.row_version == version + 1
    cast.admin.last_login = timezone.now() + timedelta(seconds=1)
    cast.admin.save(update_fields=["last_login"])
    cast.admin.refresh_from_db()
    assert cast.admin.row_version == version + 1
