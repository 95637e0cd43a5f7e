"""The components of a draft: added, changed, deleted. Nothing runs until the application is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from clusters import images
from clusters.actions.applications import locked
from clusters.diff.components import properties
from clusters.models import Application, Component
from clusters.spec import check_component, check_references, draft_secrets
from clusters.spec.component import MAX_KEY
from clusters.spec.shape import Component as Shape
from console.kit import text
from console.kit.api import check_version
from console.kit.errors import FieldError, Invalid, NotFound, Refused
from console.kit.secrets import fingerprint
from teams import access, audit

if TYPE_CHECKING:
    from teams.models import User

READ_ONLY = ("secrets_set",)
"""Fields of an answer that mean nothing in a request: what was read may be sent back."""


@transaction.atomic
def add_component(*, application: Application, data: Any, acting_user: User) -> Component:
    """Add a component to the draft. Without a key it gets one from its name.

    Raises Denied role_required; Refused market_application; Malformed unknown_field; Invalid with all field errors, a
    key that is there already, an unknown dependency or a cycle.
    """
    access.require(acting_user, "edit_application", application.environment.team)
    row = editable(application)
    there = {component.key: component for component in row.components.all()}
    data = _with_key(_without_read_only(data), set(there))
    shape = _checked(data)
    if shape["key"] in there:
        raise _invalid("/key", "duplicate", value=shape["key"])
    _check_whole([*(_shape(component) for component in there.values()), shape])
    last = row.components.aggregate(last=Max("position"))["last"]
    component = Component(application=row, key=shape["key"], position=0 if last is None else last + 1)
    _fill(component, shape, data, row.open_salt())
    _save(component)
    _record("component.created", row, component, acting_user, after=_changes({}, _properties(component))[1])
    return component


@transaction.atomic
def change_component(
    *, component: Component, data: Any, acting_user: User, expected_version: int | None = None
) -> Component:
    """Replace a component of the draft; its key stays. Secret values that are not given stay as they are, an empty one
    takes the value away.

    Raises Denied role_required; Stale etag_mismatch; Refused market_application; Malformed unknown_field; Invalid.
    """
    application = component.application
    access.require(acting_user, "edit_application", application.environment.team)
    row = editable(application)
    changed = _locked(component)
    check_version(changed, expected_version)
    data = _without_read_only(data)
    if isinstance(data, dict) and data.setdefault("key", changed.key) != changed.key:
        raise _invalid("/key", "not_allowed")
    shape = _checked(data)
    others = [_shape(other) for other in row.components.exclude(pk=changed.pk)]
    _check_whole([*others, shape])
    before = _properties(changed)
    _fill(changed, shape, data, row.open_salt())
    old, new = _changes(before, _properties(changed))
    if not new:
        changed.refresh_from_db()
        return changed
    _save(changed)
    _record("component.changed", row, changed, acting_user, before=old, after=new)
    return changed


@transaction.atomic
def delete_component(*, component: Component, acting_user: User, expected_version: int | None = None) -> None:
    """Take a component out of the draft. It runs on until the draft is deployed.

    Raises Denied role_required; Stale etag_mismatch; Refused market_application, in_use (components that depend on it).
    """
    application = component.application
    access.require(acting_user, "edit_application", application.environment.team)
    row = editable(application)
    gone = _locked(component)
    check_version(gone, expected_version)
    others = row.components.exclude(pk=gone.pk)
    blockers = [other.key for other in others if gone.key in other.definition["depends_on"]]
    if blockers:
        raise Refused("in_use", blockers=blockers)
    _record("component.deleted", row, gone, acting_user, before=_changes(_properties(gone), {})[0])
    gone.delete()


def editable(application: Application) -> Application:
    """Give the locked row of an application whose components are its own. Raises Refused market_application."""
    row = locked(application)
    if row.origin != Application.Origin.MADE:
        raise Refused("market_application")
    return row


def _locked(component: Component) -> Component:
    row = Component.objects.select_for_update(of=("self",)).filter(pk=component.pk).first()
    if row is None:
        raise NotFound()
    return row


def _shape(component: Component) -> Shape:
    return cast(Shape, component.definition)


def _without_read_only(data: Any) -> Any:
    return {name: value for name, value in data.items() if name not in READ_ONLY} if isinstance(data, dict) else data


def _with_key(data: Any, taken: set[str]) -> Any:
    if not isinstance(data, dict) or data.get("key") or not isinstance(data.get("name"), str):
        return data
    key = text.slug_from_name(data["name"], lambda word: word in taken, longest=MAX_KEY, otherwise="component")
    return {**data, "key": key}


def _checked(data: Any) -> Shape:
    """Check a component, and hold it to what this console is set to: a Docker engine, and the bound of files (never
    over the shape's own)."""
    shape = check_component(data)
    if "from" in shape["image"] and not images.is_engine_set():
        raise _invalid("/image/from", "docker_not_set")
    bound = settings.WAYBILL_MAX_FILE
    over = [at for at, file in enumerate(shape["files"]) if len(file["content"].encode()) > bound]
    if over:
        raise Invalid(
            "invalid", errors=[FieldError(f"/files/{at}/content", "too_long", {"limit": bound}) for at in over]
        )
    return shape


def _check_whole(shapes: list[Shape]) -> None:
    """Hold the draft together. Places are told as in the body of the request: `/depends_on/0`, not by component."""
    try:
        check_references(shapes)
    except Invalid as refusal:
        prefix = f"/components/{shapes[-1]['key']}"
        errors = [FieldError(error.pointer.removeprefix(prefix), error.code, error.params) for error in refusal.errors]
        raise Invalid("invalid", errors=errors) from refusal


def _fill(component: Component, shape: Shape, data: Any, salt: bytes) -> None:
    """Put definition and sealed secrets on the row; fingerprints in the definition tell whether a secret changed."""
    former, given = component.secrets(), draft_secrets(data)
    kept: dict[str, str] = former.get("variables") or {}
    values: dict[str, str] = {}
    for variable in shape["variables"]:
        if variable.get("secret"):
            value = given["variables"].get(variable["name"], kept.get(variable["name"]))
            if value:
                values[variable["name"]] = value
                variable["fingerprint"] = fingerprint(salt, value)
    pull = _pull(shape["image"].get("user"), given["password"], former.get("pull"))
    if pull is not None:
        shape["image"]["credential"] = fingerprint(salt, pull["password"])
    component.name = shape["name"]
    component.definition = shape
    component.seal_secrets({"variables": values, "pull": pull} if values or pull else None)


def _save(component: Component) -> None:
    """Save, and read the definition as the database gives it back: the next reader shall see the same bytes."""
    component.save()
    component.refresh_from_db(fields=["definition"])


def _pull(user: str | None, password: str | None, former: dict[str, str] | None) -> dict[str, str] | None:
    if user is None:
        return None
    if password:
        return {"user": user, "password": password}
    if former is not None and former["user"] == user:
        return former
    raise _invalid("/image/password", "required")


def _properties(component: Component) -> dict[str, Any]:
    """Every property of a component; secrets are fingerprints here, and are hidden before they reach an event."""
    shown = properties(_shape(component))
    shown["image.from"] = component.definition["image"].get("from", "registry")
    shown["image.user"] = component.definition["image"].get("user")
    shown["image.password"] = component.definition["image"].get("credential")
    return shown


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an event says of a change; of secrets only that they changed."""
    secret = {name for state in (before, after) for name, value in state.items() if str(value).startswith("secret")}
    return audit.changes(before, after, secret={*secret, "image.password"})


def _record(action: str, application: Application, component: Component, user: User, **details: Any) -> None:
    environment = application.environment
    audit.record(
        action,
        acting_user=user,
        object_type="component",
        object_id=component.pk,
        object_label=f"{environment.slug}/{application.slug}/{component.key}",
        team=environment.team,
        environment_id=environment.pk,
        **details,
    )


def _invalid(pointer: str, code: str, **params: Any) -> Invalid:
    return Invalid("invalid", errors=[FieldError(pointer, code, params)])
