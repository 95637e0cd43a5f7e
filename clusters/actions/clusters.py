"""Connecting clusters: check first, then connect what was checked; change, and let go of what nobody uses."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters import kubeconfig
from clusters.actions.saving import save_unique
from clusters.models import Cluster, Environment
from clusters.spec.routes import is_address
from console.kit import secrets, text
from console.kit.api import check_version
from console.kit.errors import FieldError, Invalid, NotFound, Refused
from console.kit.models import where
from operations.actions.enqueue import Subject, enqueue
from operations.duties import end_duty, hasten_duty, schedule_duty
from operations.models import Operation
from teams import access, audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teams.models import User

CHECK = "cluster_check"
CHECK_SECONDS = 60
CHECK_VALID = timedelta(hours=1)
DUTIES = ("probe_cluster", "observe_cluster")
TOKEN_LONGEST = 16384
_DNS = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")

EXAMPLES = {
    "node_address": "nodes.example.com",
    "ingress_class": "nginx",
    "ingress_domain": "apps.example.com",
}
MAX_DOMAIN = 160
"""Characters: below it stand an application, a component and an environment, and a host has 253 in all."""


def read_connection(given: Mapping[str, str]) -> dict[str, Any]:
    """Read `{kubeconfig}` or `{endpoint, token, ca_pem?}` into endpoint, CA and credential.

    Raises Invalid kubeconfig_refused, yaml_refused, or `invalid` with the field that is missing or one too many.
    """
    pasted = given.get("kubeconfig")
    if pasted:
        extra = [name for name in ("endpoint", "token", "ca_pem") if given.get(name)]
        if extra:
            raise Invalid("invalid", errors=[FieldError(f"/{extra[0]}", "not_allowed")])
        found = kubeconfig.read_kubeconfig(pasted, max_bytes=settings.WAYBILL_MAX_YAML)
        credential = {"token": found.token or ""}
        if found.client is not None:
            credential = {"certificate": found.client.certificate_pem, "key": found.client.key_pem}
        return {"endpoint": found.endpoint, "ca_pem": found.ca_pem, "credential": credential}
    absent = [FieldError(f"/{name}", "required") for name in ("endpoint", "token") if not given.get(name)]
    if absent:
        raise Invalid("invalid", errors=absent)
    token = given["token"].strip()
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > TOKEN_LONGEST:
        raise Invalid("invalid", errors=[FieldError("/token", "not_allowed")])
    return {
        "endpoint": kubeconfig.read_endpoint(given["endpoint"]),
        "ca_pem": kubeconfig.read_ca(given.get("ca_pem") or ""),
        "credential": {"token": token},
    }


@transaction.atomic
def check_cluster(*, connection: Mapping[str, str], acting_user: User) -> Operation:
    """Start the check of a cluster that is to be connected; what was entered is kept sealed, for an hour after its end.

    Raises Denied role_required, and what `read_connection` refuses.
    """
    access.require(acting_user, "manage_clusters")
    found = read_connection(connection)
    endpoint = found["endpoint"]
    return enqueue(
        kind=CHECK,
        subject=Subject("cluster", None, endpoint, "/api/v1/clusters"),
        enterprise=acting_user.enterprise,
        initiator=acting_user,
        input={"endpoint": endpoint, "credential_kind": _kind(found["credential"])},
        sealed=found,
        deadline_seconds=CHECK_SECONDS,
    )


@transaction.atomic
def check_again(*, check: Operation, acting_user: User) -> Operation:
    """Start the same check anew with what is still kept sealed of it.

    Raises Denied role_required, and Refused check_expired once that is wiped.
    """
    access.require(acting_user, "manage_clusters")
    if check.sealed is None:
        raise Refused("check_expired")
    return enqueue(
        kind=CHECK,
        subject=Subject("cluster", None, check.subject["name"], check.subject_href()),
        enterprise=check.enterprise,
        initiator=acting_user,
        input=check.input,
        sealed=open_sealed(check),
        deadline_seconds=CHECK_SECONDS,
        retry_of=check,
    )


def _kind(credential: Mapping[str, str]) -> str:
    return Cluster.Credential.CLIENT_CERTIFICATE if "certificate" in credential else Cluster.Credential.TOKEN


def _passed_check(name: str, user: User) -> tuple[Operation, dict[str, Any]]:
    """Give a check that passed and what its steps saw."""
    number = name.removeprefix("op-")
    rows = Operation.objects.filter(kind=CHECK, enterprise_id=user.enterprise_id)
    check = rows.filter(number=int(number)).first() if number.isascii() and number.isdigit() else None
    if check is None:
        raise Invalid("invalid", errors=[FieldError("/check", "not_allowed")])
    if check.is_active:
        raise Refused(
            "operation_in_progress",
            operation=check.name,
            by=check.initiator.name if check.initiator else None,
            kind=check.kind,
            percent=check.percent,
        )
    if check.state != "succeeded":
        raise Refused("check_failed", checks=list(check.steps.filter(state="failed").values_list("key", flat=True)))
    if check.sealed is None or check.finished_at is None or check.finished_at < timezone.now() - CHECK_VALID:
        raise Refused("check_expired")
    return check, dict(check.steps.values_list("key", "observed"))


@transaction.atomic
def connect_cluster(*, check: str, slug: str | None, name: str, acting_user: User) -> Cluster:
    """Connect the cluster a check has passed for, and have it watched from now on.

    Raises Denied role_required; Refused check_failed, check_expired, operation_in_progress (the check still runs),
    cluster_connected_already, slug_taken, name_taken; Invalid for a name or slug.
    """
    access.require(acting_user, "manage_clusters")
    name = text.check_name(name)
    taken = Cluster.objects.connected().filter(enterprise_id=acting_user.enterprise_id)
    if slug:
        slug = text.check_slug(slug)
    else:
        slug = text.slug_from_name(name, lambda word: taken.filter(slug=word).exists(), otherwise="cluster")
    operation, seen = _passed_check(check, acting_user)
    same = taken.filter(uid=seen["version"]["uid"]).first()
    if same is not None:
        raise Refused("cluster_connected_already", cluster=same.name)
    cluster = _new_cluster(operation, seen, slug=slug, name=name, user=acting_user)
    save_unique(
        cluster,
        {
            "cluster_uid": Refused("cluster_connected_already", cluster=name),
            "cluster_slug": Refused("slug_taken", slug=slug),
            "cluster_name": Refused("name_taken", name=name),
        },
    )
    for kind in DUTIES:
        schedule_duty(kind, cluster.pk)
    _record("cluster.connected", cluster, acting_user, after={"endpoint": cluster.endpoint, "check": operation.name})
    return cluster


def _new_cluster(operation: Operation, seen: dict[str, Any], *, slug: str, name: str, user: User) -> Cluster:
    given, ends = open_sealed(operation), seen["authentication"].get("expires_at")
    cluster = Cluster(
        enterprise=user.enterprise,
        slug=slug,
        name=name,
        endpoint=given["endpoint"],
        ca_pem=given["ca_pem"],
        credential_kind=_kind(given["credential"]),
        credential_expires_at=datetime.fromisoformat(ends) if ends else None,
        uid=seen["version"]["uid"],
        version=seen["version"]["version"],
        health=Cluster.Health.ONLINE,
        probed_at=operation.finished_at,
        seen_at=operation.finished_at,
    )
    cluster.seal_credential(given["credential"])
    return cluster


def open_sealed(operation: Operation) -> dict[str, Any]:
    """Open the sealed input of an operation."""
    opened: dict[str, Any] = secrets.unseal(operation.sealed or "", where(operation, "sealed"))
    return opened


@transaction.atomic
def change_cluster(
    *, cluster: Cluster, changes: Mapping[str, Any], acting_user: User, expected_version: int | None = None
) -> Cluster:
    """Change name, node address, ingress class or ingress domain.

    Raises Denied role_required, Stale etag_mismatch, Refused name_taken, Invalid.
    """
    access.require(acting_user, "manage_clusters")
    locked = _locked(cluster)
    check_version(locked, expected_version)
    before = {field: getattr(locked, field) for field in changes}
    for field, value in changes.items():
        setattr(locked, field, text.check_name(value) if field == "name" else _clean(field, value))
    shown_before, shown_after = audit.changes(before, {field: getattr(locked, field) for field in changes})
    if not shown_after:
        return locked
    save_unique(locked, {"cluster_name": Refused("name_taken", name=locked.name)})
    _record("cluster.changed", locked, acting_user, before=shown_before, after=shown_after)
    return locked


@transaction.atomic
def replace_credentials(
    *, cluster: Cluster, check: str, acting_user: User, expected_version: int | None = None
) -> Cluster:
    """Reach a connected cluster with the address and credential a check has passed for from now on.

    Raises Denied role_required, Stale etag_mismatch; Refused another_cluster when the check reached another one,
    check_failed, check_expired, operation_in_progress; Invalid for a check that is none.
    """
    access.require(acting_user, "manage_clusters")
    locked = _locked(cluster)
    check_version(locked, expected_version)
    operation, seen = _passed_check(check, acting_user)
    if seen["version"]["uid"] != locked.uid:
        raise Refused("another_cluster", cluster=locked.name)
    before = {"endpoint": locked.endpoint, "credential_kind": locked.credential_kind}
    given, ends = open_sealed(operation), seen["authentication"].get("expires_at")
    locked.endpoint, locked.ca_pem = given["endpoint"], given["ca_pem"]
    locked.credential_kind = _kind(given["credential"])
    locked.credential_expires_at = datetime.fromisoformat(ends) if ends else None
    locked.seal_credential(given["credential"])
    locked.save()
    for kind in DUTIES:
        hasten_duty(kind, locked.pk)
    after = {"endpoint": locked.endpoint, "credential_kind": locked.credential_kind, "check": operation.name}
    _record("cluster.credentials_replaced", locked, acting_user, before=before, after=after)
    return locked


@transaction.atomic
def remove_cluster(*, cluster: Cluster, acting_user: User, expected_version: int | None = None) -> None:
    """Let go of a cluster. Its credential is destroyed; what runs there is not touched.

    Raises Denied role_required, Stale etag_mismatch, Refused in_use (blockers: the environments on it).
    """
    access.require(acting_user, "manage_clusters")
    locked = _locked(cluster)
    check_version(locked, expected_version)
    environments = Environment.objects.present().filter(cluster=locked).order_by("slug")
    blockers = list(environments.values_list("slug", flat=True)[:20])
    if blockers:
        raise Refused("in_use", blockers=blockers)
    locked.removed_at = timezone.now()
    locked.seal_credential({})
    locked.save()
    for kind in DUTIES:
        end_duty(kind, locked.pk)
    _record("cluster.removed", locked, acting_user)


def _clean(field: str, value: str | None) -> str | None:
    """Read an address, an IngressClass or a domain; empty means none."""
    if not value or not value.strip():
        return None
    given = value.strip().lower()
    if field == "node_address":
        try:
            return str(ipaddress.ip_address(given.strip("[]")))
        except ValueError:
            pass
    if not _DNS.fullmatch(given) or (field == "ingress_domain" and is_address(given)):
        raise Invalid("invalid", errors=[FieldError(f"/{field}", "malformed", {"example": EXAMPLES[field]})])
    if field == "ingress_domain" and len(given) > MAX_DOMAIN:
        raise Invalid("invalid", errors=[FieldError(f"/{field}", "too_long", {"limit": MAX_DOMAIN})])
    return given


def _locked(cluster: Cluster) -> Cluster:
    locked = Cluster.objects.connected().select_for_update(of=("self",)).filter(pk=cluster.pk).first()
    if locked is None:
        raise NotFound()
    return locked


def _record(action: str, cluster: Cluster, user: User, **details: Any) -> None:
    audit.record(
        action,
        acting_user=user,
        object_type="cluster",
        object_id=cluster.pk,
        object_label=cluster.slug,
        enterprise=cluster.enterprise,
        **details,
    )
