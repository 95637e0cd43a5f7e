"""The enterprise's image registry: try settings, and put them to use."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from clusters.actions.environments import sync_all
from console.kit import outbound, secrets
from console.kit.api import check_version
from console.kit.errors import FieldError, Invalid, Refused
from console.kit.models import where
from marketplace.models import ImageRegistry
from marketplace.present.registry import outcome
from marketplace.registry import reference
from marketplace.runners.registry_test import KIND, SECONDS
from operations.actions.enqueue import Subject, enqueue
from operations.models import Operation
from teams import access, audit
from teams.models import User

HREF = "/api/v1/settings/registry"
SECRET_FIELDS = ("password", "pull_password")


@dataclass(frozen=True)
class Settings:
    """Settings as typed. A password of None means the one that is saved for the same address and user."""

    address: str
    prefix: str
    user: str
    password: str | None = None
    pull_user: str | None = None
    pull_password: str | None = None
    ca_pem: str | None = None
    plain_http: bool = False

    def public(self) -> dict[str, Any]:
        """The part that may be shown."""
        names = ("address", "prefix", "user", "pull_user", "ca_pem", "plain_http")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Saved:
    """What saving came to: the registry in use, and the work that tells every environment."""

    registry: ImageRegistry
    operation: Operation | None


def test_registry(*, acting_user: User, settings: Settings) -> Operation:
    """Start a test of settings that are not saved.

    Raises Denied role_required; Invalid `invalid` (required, reference_not_valid, malformed, address_denied).
    """
    access.require(acting_user, "manage_registry")
    checked = _checked(acting_user, settings)
    passwords = {"password": checked.password, "pull_password": checked.pull_password}
    with transaction.atomic():
        return enqueue(
            kind=KIND,
            subject=Subject("registry", None, _location(checked), HREF),
            enterprise=acting_user.enterprise,
            initiator=acting_user,
            input=checked.public(),
            sealed=passwords,
            deadline_seconds=SECONDS,
        )


def save_tested(*, acting_user: User, test: str, expected_version: int | None = None) -> Saved:
    """Put the settings of a successful test to use.

    Raises Refused check_failed when it did not succeed (yet), check_expired an hour after its end; Stale etag_mismatch;
    Invalid choice_unknown for an operation that is no test.
    """
    access.require(acting_user, "manage_registry")
    operation = _test(acting_user, test)
    if operation.state != "succeeded":
        raise Refused("check_failed", checks=[step.key for step in operation.steps.filter(state="failed")])
    return _save(acting_user, _settings_of(operation), operation, expected_version)


def settings_of(*, acting_user: User, test: str) -> Settings:
    """Give what a test was started with, so that a form need not ask for the passwords once more.

    Raises Denied role_required; Refused check_expired an hour after the test's end; Invalid choice_unknown for an
    operation that is no test.
    """
    access.require(acting_user, "manage_registry")
    return _settings_of(_test(acting_user, test))


def _settings_of(test: Operation) -> Settings:
    if test.sealed is None:
        raise Refused("check_expired")
    return Settings(**test.input, **secrets.unseal(test.sealed, where(test, "sealed")))


def save_untested(*, acting_user: User, settings: Settings, agreed: bool, expected_version: int | None = None) -> Saved:
    """Put settings to use that nobody tested, which needs to be `agreed` to and is audited as such.

    Raises Refused settings_untested without the agreement, and what `test_registry` raises.
    """
    access.require(acting_user, "manage_registry")
    checked = _checked(acting_user, settings)
    if not agreed:
        raise Refused("settings_untested")
    return _save(acting_user, checked, None, expected_version)


def _test(acting_user: User, name: str) -> Operation:
    number = name.removeprefix("op-")
    found = Operation.objects.filter(
        kind=KIND, enterprise=acting_user.enterprise_id, number=int(number) if number.isdecimal() else -1
    ).first()
    if found is None:
        raise Invalid("invalid", errors=[FieldError("/test", "choice_unknown", {"choices": []})])
    return found


def _checked(acting_user: User, given: Settings) -> Settings:
    """Read what was typed; fill in saved passwords. Raises Invalid with every fault."""
    faults: list[FieldError] = []
    address, prefix = given.address, given.prefix
    try:
        address = reference.parse_address(given.address)
    except Invalid as error:
        faults.append(FieldError("/address", error.code, error.params))
    try:
        prefix = reference.parse_prefix(given.prefix)
    except Invalid as error:
        faults.append(FieldError("/prefix", error.code, error.params))
    if given.ca_pem:
        try:
            outbound.new_ssl_context(given.ca_pem)
        except (ssl.SSLError, ValueError):
            faults.append(FieldError("/ca_pem", "malformed", {"example": "-----BEGIN CERTIFICATE-----"}))
    kept = _kept_passwords(acting_user, given, address)
    password = given.password or kept.get("password")
    pull_password = (given.pull_password or kept.get("pull_password")) if given.pull_user else None
    if not password:
        faults.append(FieldError("/password", "required"))
    if given.pull_user and not pull_password:
        faults.append(FieldError("/pull_password", "required"))
    if faults:
        raise Invalid("invalid", errors=faults)
    return Settings(
        address=address,
        prefix=prefix,
        user=given.user,
        password=password,
        pull_user=given.pull_user or None,
        pull_password=pull_password,
        ca_pem=given.ca_pem or None,
        plain_http=given.plain_http,
    )


def _kept_passwords(acting_user: User, given: Settings, address: str) -> dict[str, str | None]:
    """The saved passwords that may stand in for empty fields: of the same address and user, and of no other.

    A saved password must not be made to travel to an address that somebody types, nor in the clear where it was not.
    """
    saved = ImageRegistry.objects.current(acting_user.enterprise)
    if saved is None or saved.address != address or (given.plain_http and not saved.plain_http):
        return {}
    if (saved.ca_pem or None) != (given.ca_pem or None):
        return {}
    opened = saved.passwords()
    return {
        "password": opened["password"] if saved.user == given.user else None,
        "pull_password": opened["pull_password"] if saved.pull_user == given.pull_user else None,
    }


def _location(settings: Settings) -> str:
    return f"{settings.address}/{settings.prefix}" if settings.prefix else settings.address


@transaction.atomic
def _save(acting_user: User, settings: Settings, test: Operation | None, expected_version: int | None) -> Saved:
    enterprise = acting_user.enterprise
    rows = ImageRegistry.objects.select_for_update().filter(enterprise=enterprise)
    before = rows.filter(state=ImageRegistry.State.CURRENT).first()
    if before is not None:
        check_version(before, expected_version)
    former = _audited(before) if before else None
    row = rows.filter(address=settings.address, prefix=settings.prefix).order_by("state", "-created_at").first()
    if before is not None and (row is None or row.pk != before.pk):
        before.state = ImageRegistry.State.FORMER
        before.save(update_fields=["state"])
    if row is None:
        row = ImageRegistry(enterprise=enterprise, address=settings.address, prefix=settings.prefix)
    row.user, row.pull_user = settings.user, settings.pull_user
    row.ca_pem, row.plain_http = settings.ca_pem, settings.plain_http
    row.state, row.saved_by = ImageRegistry.State.CURRENT, acting_user
    row.test, row.saved_untested = test, test is None
    row.seal_passwords(settings.password or "", settings.pull_password)
    row.save()
    _record(acting_user, row, former, settings)
    subject = Subject("registry", row.pk, row.location, HREF)
    return Saved(row, sync_all(enterprise=enterprise, subject=subject, acting_user=acting_user))


def _audited(row: ImageRegistry) -> dict[str, Any]:
    passwords = row.passwords()
    return {
        "address": row.address,
        "prefix": row.prefix,
        "user": row.user,
        "pull_user": row.pull_user,
        "ca_pem": row.ca_pem,
        "plain_http": row.plain_http,
        **{name: passwords[name] for name in SECRET_FIELDS},
    }


def _record(acting_user: User, row: ImageRegistry, former: dict[str, Any] | None, settings: Settings) -> None:
    before, after = audit.changes(former or {}, _audited(row), secret=SECRET_FIELDS)
    tested = {"operation": row.test.name, **outcome(row.test)} if row.test else None
    audit.record(
        "registry.saved_untested" if row.saved_untested else "registry.saved",
        acting_user=acting_user,
        object_type="registry",
        object_id=row.pk,
        object_label=row.location,
        before=before,
        after={**after, "tested": tested},
    )
