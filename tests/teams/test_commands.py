"""The command line: first admin, first token, new keys."""

from __future__ import annotations

import base64
import os
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from console.kit import secrets
from console.kit.models import where
from teams.actions.sessions import sign_in
from teams.models import AuditEvent, Enterprise, Token, User
from tests.builders import make_enterprise, make_user
from tests.cast import Api, Cast


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_the_first_admin_gets_a_password_that_signs_in(db: None) -> None:
    told = run("first_admin", "HanMei", "--name", "韩梅", "--enterprise", "Acme")
    password = re.search(r"one-time password: (\S+)", told)
    assert password is not None
    user = sign_in(login="hanmei", password=password[1])
    assert (user.name, user.must_change_password, user.is_enterprise_admin) == ("韩梅", True, True)
    assert (user.enterprise.slug, user.enterprise.name) == ("main", "Acme")
    event = AuditEvent.objects.get(action="user.created")
    assert (event.actor, event.enterprise) == (None, user.enterprise)
    assert password[1] not in str(event.after)


def test_there_is_one_first_admin(db: None) -> None:
    run("first_admin", "a")
    with pytest.raises(CommandError, match="used by a"):
        run("first_admin", "b")
    assert Enterprise.objects.count() == 1


def test_a_deployment_that_lost_all_admins_gets_another(db: None) -> None:
    run("first_admin", "a")
    User.objects.update(is_active=False)
    run("first_admin", "b")
    assert User.objects.enterprise_admins(Enterprise.objects.get()).get().login == "b"


def test_a_bad_login_is_told(db: None) -> None:
    with pytest.raises(CommandError, match="/login"):
        run("first_admin", "a b")
    assert not Enterprise.objects.exists()


def test_a_token_for_a_program(cast: Cast) -> None:
    text = run("token", "Admin", "--name", "walk", "--days", "5").strip()
    assert Api(cast.admin, text).get("me").json()["login"] == "admin"
    with pytest.raises(CommandError, match="taken"):
        run("token", "admin", "--name", "walk")
    with pytest.raises(CommandError, match="no active user"):
        run("token", "ghost")
    with pytest.raises(CommandError, match="/expires_at"):
        run("token", "admin", "--days", "400")
    assert Token.objects.filter(user=cast.admin, name="walk").count() == 1


def new_keys(*names: str) -> str:
    return ",".join(f"{name}:{base64.b64encode(os.urandom(32)).decode()}" for name in names)


def test_new_keys_seal_every_secret_anew(db: None) -> None:
    from clusters.models import Cluster

    old, new = new_keys("old"), new_keys("new")
    enterprise = make_enterprise()
    make_user(enterprise)
    with override_settings(WAYBILL_KEYS=old):
        rows = []
        for number in range(3):
            cluster = Cluster(enterprise=enterprise, slug=f"c{number}", name=f"C{number}", uid=f"u{number}")
            cluster.endpoint, cluster.credential_kind = "https://10.0.0.1:6443", "token"
            cluster.sealed = secrets.seal({"token": f"t{number}"}, where(cluster, "sealed"))
            cluster.save()
            rows.append(cluster)
    with override_settings(WAYBILL_KEYS=f"{new},{old}"):
        assert "cluster.sealed: 3" in run("rotate_keys")
        assert "cluster.sealed: 0" in run("rotate_keys")
    with override_settings(WAYBILL_KEYS=new):
        for number, row in enumerate(rows):
            row.refresh_from_db()
            assert secrets.unseal(row.sealed, where(row, "sealed")) == {"token": f"t{number}"}
            assert row.row_version == 1
    event = AuditEvent.objects.filter(action="keys.rotated").first()
    assert event is not None
    assert event.object_label == "new"


def test_a_missing_key_stops_the_rotation_with_its_place(db: None) -> None:
    from clusters.models import Cluster

    enterprise = make_enterprise()
    with override_settings(WAYBILL_KEYS=new_keys("lost")):
        cluster = Cluster(enterprise=enterprise, slug="c", name="C", uid="u", endpoint="https://10.0.0.1:6443")
        cluster.credential_kind = "token"
        cluster.sealed = secrets.seal({}, where(cluster, "sealed"))
        cluster.save()
    with pytest.raises(CommandError, match=r"cluster\.sealed.*WAYBILL_KEYS"):
        run("rotate_keys")


def test_every_sealed_column_is_known() -> None:
    from console.kit.sealing import columns

    known = {f"{model._meta.db_table}.{column}" for model, column in columns()}
    assert known == {
        "application.salt",
        "cluster.sealed",
        "component.sealed",
        "image_registry.sealed",
        "operation.sealed",
        "revision.sealed",
    }
