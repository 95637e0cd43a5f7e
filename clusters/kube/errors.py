"""From what an apiserver answers to the console's own errors.

An answer's words may print whole pod templates with the values of variables. So nothing of a message is kept but the
field, the cause's reason and the text after the last colon; the rest reaches no row, no log and no page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from console.kit.errors import Rejected, Stale, Unreachable, WaybillError

WORDS = 300

_RBAC = re.compile(r'User ".+?" cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?')
_CONFLICT = re.compile(r'^conflict with "(.+?)"(?: with subresource "(.+?)")?(?: using (.+))?$')
_TYPED = re.compile(r"^failed to (?:create typed|convert)")
_FIELD = re.compile(r"(\.[A-Za-z][\w.\[\]=\"\-]*)")
_POLICY = re.compile(r"(?:admission webhook \"([^\"]+)\"|ValidatingAdmissionPolicy '([^']+)')[^:]*denied")
_IMMUTABLE = (
    "field is immutable",
    "may not change once set",
    "updates to statefulset spec",
    "immutable after creation",
    "can not be less than status.capacity",
)
_ALLOCATING = "failed to allocate"
_ALLOCATION_REFUSED = ("range is full", "already allocated", "not in the valid range", "does not match")
"""Why no address or port is given, said by the allocators themselves (kubernetes, `pkg/registry/core/service`)."""
_SHORT = {
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
}


@dataclass(frozen=True)
class Cause:
    """One field that another manager owns: the field as the server writes it, the manager, its subresource.

    `api_version` is empty for a manager that applies and set for one that updates.
    """

    field: str
    manager: str
    subresource: str | None = None
    api_version: str | None = None


class FieldConflict(Rejected):
    """Another hand owns fields we would change. Their values are in the live object and in our manifest."""

    def __init__(self, target: str, causes: tuple[Cause, ...]) -> None:
        first = causes[0]
        super().__init__(
            "field_conflict", object=target, field=first.field, manager=first.manager, ours=None, theirs=None
        )
        self.causes = causes


class Outdated(Stale):
    """A precondition did not hold: the object moved, was made again, or is gone. Look at it again, then decide."""

    def __init__(self, target: str) -> None:
        super().__init__("plan_stale", changes=[target])
        self.target = target


class Exists(Rejected):
    """A create-only request met an object of that name. Whose it is, its labels say."""

    def __init__(self, target: str) -> None:
        super().__init__("object_name_taken", object=target, owner="")
        self.target = target


class Forbidden(Rejected):
    """RBAC refused: the verb and the resource that are missing."""

    def __init__(self, verb: str, resource: str) -> None:
        super().__init__("permission_missing", verb=verb, resource=resource)


class CredentialsRefused(Rejected):
    """401: the token or certificate is not good (any more)."""

    def __init__(self, cluster: str) -> None:
        super().__init__("credentials_refused", cluster=cluster)


class Absent(Rejected):
    """404 where the address itself is missing: the namespace, or a kind this cluster does not serve."""

    def __init__(self, target: str, words: str) -> None:
        super().__init__("manifest_rejected", object=target, field="", words=words)


class Untyped(Exception):
    """The server could not read our manifest's types: a fault of ours, never retried. Carries the field's path."""


def words(text: str) -> str:
    """Give the text after the last colon, which never holds a value, cut at 300 characters."""
    return text.rpartition(": ")[2].strip()[:WORDS]


def cause_words(cause: dict[str, Any]) -> str:
    """Give what may be kept of one cause of a 422."""
    reason, message = str(cause.get("reason", "")), str(cause.get("message", ""))
    if reason in _SHORT:
        return _SHORT[reason]
    if reason == "FieldValueInvalid":
        # "Invalid value: VALUE: why". A cause without a why ends with the value itself.
        why = words(message.partition(": ")[2]) if message.count(": ") > 1 else ""
        return "Invalid value" if not why or why[-1] in "}]\"'" else why
    return words(message)


def translate(
    status: int, body: dict[str, Any], *, target: str, cluster: str, since: str, size: int = 0
) -> WaybillError | Untyped:
    """Give the error an answer means.

    `target` is `Kind/name` as people read it; `size` the bytes that were sent; `cluster` and `since` fill
    cluster_unreachable, which is given for every answer after which trying again is right: throttling, time-outs,
    webhooks that are down, a server in trouble.
    """
    message, reason = str(body.get("message", "")), str(body.get("reason", ""))
    away = Unreachable("cluster_unreachable", cluster=cluster, since=since)
    if status == 401:
        return away if (body.get("details") or {}).get("kind") == "pods/log" else CredentialsRefused(cluster)
    if status == 403:
        return _forbidden(message, target)
    if status == 404:
        return Absent(target, words(message) or "not found")
    if status == 409:
        return _conflict(body, target)
    if status == 413:
        return Rejected("object_too_big", object=target, bytes=size)
    if status == 422:
        return away if _allocator_was_away(body) else _invalid(body, target)
    if status == 500 and not reason and _TYPED.match(message):
        return _untyped(message, target)
    if status in (408, 429) or status >= 500:
        return away
    if status == 400 and _TYPED.match(message):
        return _untyped(message, target)
    return Rejected("manifest_rejected", object=target, field="", words=words(message) or f"HTTP {status}")


def _untyped(message: str, target: str) -> Untyped:
    tail = message.rpartition("): ")[2] or message
    field = _FIELD.search(tail)
    return Untyped(f"{target}: {field[1] if field else 'a field'} has another type than the server expects")


def _forbidden(message: str, target: str) -> WaybillError:
    rbac = _RBAC.search(message)
    if rbac:
        verb, resource, group = rbac.groups()
        return Forbidden(verb, f"{resource}.{group}" if group else resource)
    if "attempting to grant RBAC permissions" in message:
        return Forbidden("bind", target)
    for mark in ("exceeded quota: ", "failed quota: ", "status unknown for quota: "):
        _, found, rest = message.partition(mark)
        if found:
            return Rejected("quota_refused", object=target, words=f"{mark}{rest}"[:WORDS])
    _, found, rest = message.partition("violates PodSecurity ")
    if found:
        return Rejected("policy_refused", object=target, words=f"{found}{rest}"[:WORDS])
    policy = _POLICY.search(message)
    if policy:
        return Rejected("policy_refused", object=target, words=f"{policy[1] or policy[2]}: {words(message)}"[:WORDS])
    return Rejected("policy_refused", object=target, words=words(message))


def _conflict(body: dict[str, Any], target: str) -> WaybillError:
    causes = []
    for cause in (body.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "FieldManagerConflict":
            match = _CONFLICT.match(str(cause.get("message", "")))
            manager, subresource, using = match.groups() if match else ("", None, None)
            causes.append(Cause(str(cause.get("field", "")), manager, subresource, using))
    if causes:
        return FieldConflict(target, tuple(sorted(causes, key=lambda cause: (cause.field, cause.manager))))
    return Exists(target) if body.get("reason") == "AlreadyExists" else Outdated(target)


def _allocator_was_away(body: dict[str, Any]) -> bool:
    """Tell whether a Service is called invalid only because the store of addresses and ports did not answer.

    The API server puts every error of an allocator into a field's error, that of its own connection to etcd too.
    """
    causes = (body.get("details") or {}).get("causes") or []
    said = [str(cause.get("message", "")) for cause in causes]
    return any(_ALLOCATING in text and not any(mark in text for mark in _ALLOCATION_REFUSED) for text in said)


def _invalid(body: dict[str, Any], target: str) -> WaybillError:
    causes = (body.get("details") or {}).get("causes") or []
    if any(cause.get("field") == "metadata.uid" for cause in causes):
        return Outdated(target)
    policy = _POLICY.search(str(body.get("message", "")))
    if policy:
        said = words(str(body.get("message", "")))
        return Rejected("policy_refused", object=target, words=f"{policy[1] or policy[2]}: {said}"[:WORDS])
    if not causes:
        return Rejected("manifest_rejected", object=target, field="", words=words(str(body.get("message", ""))))
    for cause in causes:
        if any(mark in str(cause.get("message", "")) for mark in _IMMUTABLE):
            return Rejected("immutable_field", object=target, field=str(cause.get("field", "")))
    first = causes[0]
    field, said = str(first.get("field", "")), cause_words(first)
    return Rejected("manifest_rejected", object=target, field=field, words=said)


def contended(status: int, body: dict[str, Any], kind: str) -> bool:
    """Tell whether a 409 only means that many creates met at the quota's counter: the same request again is right."""
    details = body.get("details") or {}
    return status == 409 and details.get("kind") == "resourcequotas" and kind != "ResourceQuota"
