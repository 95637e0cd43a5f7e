"""What the database itself refuses, whatever code asks it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clusters.models import Application, Environment, Revision
from console.kit.secrets import SecretLost
from marketplace.models import MarkEvent, Version
from operations.models import Operation
from tests.builders import make_enterprise, make_team, make_user
from tests.clusters.working import make_cluster, make_environment
from tests.marketplace import world

pytestmark = pytest.mark.django_db


class House:
    """One enterprise with a team, a cluster, an environment, an application, a template and its versions."""

    def __init__(self, slug: str = "one") -> None:
        self.enterprise = make_enterprise(slug)
        self.user = make_user(self.enterprise, f"person-{slug}")
        self.team = make_team(self.enterprise, "team")
        self.cluster = make_cluster(self.enterprise, "cluster")
        self.environment = self.make_environment()
        self.application = Application.objects.create(
            environment=self.environment, slug="app", name="App", origin="made"
        )
        self.registry = world.make_registry(self.user, "registry.example.com", prefix="", plain_http=False)
        self.template = world.make_template(self.team, "template")

    def make_environment(self, **more: Any) -> Environment:
        usual: dict[str, Any] = {"team": self.team, "cluster": self.cluster, "slug": "env", "namespace": "env"}
        usual["enterprise"] = self.enterprise
        return make_environment(**usual | more)

    def operation(self) -> Operation:
        return Operation.objects.create(
            enterprise=self.enterprise,
            kind="deploy",
            subject_type="app",
            subject={"type": "app", "name": "App", "href": "/"},
            deadline=timezone.now() + timedelta(hours=1),
            request_id="r",
        )

    def revision(self, number: int = 1, **more: Any) -> Revision:
        return Revision.objects.create(
            application=self.application,
            number=number,
            kind="deploy",
            document={"schema": 1, "components": []},
            document_hash="0" * 64,
            operation=self.operation(),
            **more,
        )

    def version(self, number: str = "1.0", state: str = "published") -> Version:
        return Version.objects.create(
            template=self.template,
            number=number,
            sort_key=f"{number}~",
            state=state,
            registry=self.registry,
            document={"schema": 1},
            content_hash="0" * 64,
            published_by=self.user,
            published_at=timezone.now(),
        )


@pytest.fixture
def house() -> House:
    return House()


def refuses(**change: Any) -> Any:
    """Run an UPDATE that the database has to refuse, in a savepoint of its own."""
    row = change.pop("row")
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"document": {"schema": 2}},
        {"content_hash": "1" * 64},
        {"number": "1.1"},
        {"sort_key": "z"},
        {"bytes": 1},
        {"published_at": None},
        {"published_by": None},
        {"state": "copying"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_published_version_does_not_change(house: House, change: dict[str, Any]) -> None:
    refuses(row=house.version(), **change)


def test_mark_alias_notes_registry_of_a_published_version_may_change(house: House) -> None:
    version = house.version()
    Version.objects.filter(pk=version.pk).update(
        mark="release", alias="spring", notes="faster", registry=house.registry
    )
    version.refresh_from_db()
    assert (version.mark, version.alias, version.row_version) == ("release", "spring", 2)


def test_only_a_copying_version_is_deleted(house: House) -> None:
    published = house.version()
    with pytest.raises(IntegrityError), transaction.atomic():
        published.delete()
    house.version("2.0", state="copying").delete()
    assert list(Version.objects.values_list("number", flat=True)) == ["1.0"]


def test_sql_written_by_hand_changes_no_published_version(house: House) -> None:
    version = house.version()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("""UPDATE version SET document = '{"schema": 9}' WHERE id = %s""", [version.pk])


@pytest.mark.parametrize("verb", ["UPDATE mark_event SET reason = 'other'", "DELETE FROM mark_event"])
def test_the_history_of_marks_takes_inserts_only(house: House, verb: str) -> None:
    MarkEvent.objects.create(version=house.version(), mark="release", by=house.user, at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)
    assert MarkEvent.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"document": {}},
        {"document_hash": "1" * 64},
        {"values": {"a": 1}},
        {"objects_applied": []},
        {"sealed": "x"},
        {"number": 2},
        {"kind": "rollback"},
        {"reason": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_rendered_revision_changes_its_state_only(house: House, change: dict[str, Any]) -> None:
    revision = house.revision(objects_applied=[{"kind": "Service", "name": "a", "hash": "h"}])
    refuses(row=revision, **change)


def test_a_revision_is_completed_until_it_is_rendered(house: House) -> None:
    revision = house.revision()
    revision.document = {"schema": 1, "components": [{"key": "web"}]}
    revision.save()
    revision.objects_applied = []
    revision.save()
    Revision.objects.filter(pk=revision.pk).update(state="deployed")
    refuses(row=revision, state="failed")
    Revision.objects.filter(pk=revision.pk).update(state="superseded")
    refuses(row=revision, state="deployed")


def test_a_rotation_of_keys_may_seal_a_revision_anew(house: House) -> None:
    revision = house.revision(objects_applied=[])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL waybill.rotating = 'on'")
        Revision.objects.filter(pk=revision.pk).update(sealed="anew")
    revision.refresh_from_db()
    assert revision.sealed == "anew"


def test_a_revision_is_never_deleted(house: House) -> None:
    revision = house.revision()
    with pytest.raises(IntegrityError), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).delete()


def test_one_revision_is_deployed_at_a_time(house: House) -> None:
    house.revision(1, state="deployed")
    with pytest.raises(IntegrityError), transaction.atomic():
        house.revision(2, state="deployed")


def test_an_environment_joins_a_team_and_a_cluster_of_its_own_enterprise(house: House) -> None:
    other = House("two")
    for change in ({"team": other.team}, {"cluster": other.cluster}, {"enterprise": other.enterprise}):
        with pytest.raises(IntegrityError), transaction.atomic():
            house.make_environment(slug="mixed", namespace="mixed", **change)


def test_sealed_values_open_only_in_their_own_row(house: House) -> None:
    other = House("two")
    other.cluster.sealed = house.cluster.sealed
    with pytest.raises(SecretLost):
        other.cluster.credential()
    assert house.cluster.credential() == {"token": "t"}
