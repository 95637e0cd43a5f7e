"""Making environments, changing their rules, and letting go of those that were never made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from clusters import pull_secret, quantities
from clusters.actions.saving import save_unique
from clusters.models import Cluster, Environment
from console.kit import text
from console.kit.api import check_version
from console.kit.errors import FieldError, Invalid, NotFound, Refused, WaybillError
from operations.actions.enqueue import Subject, enqueue
from operations.models import Operation
from teams import access, audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teams.models import Enterprise, Team, User

PREPARE, SYNC = "prepare_environment", "sync_environment"
SECONDS = 300
MOST = 20
QUOTA_WORDS = ("cpu", "memory", "storage", "pods")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAMESPACES_KEPT = ("default", "waybill-system", "waybill-check")


@transaction.atomic
def add_environment(
    *,
    team: Team,
    cluster: str,
    stage: str,
    acting_user: User,
    slug: str | None = None,
    name: str | None = None,
    namespace: str | None = None,
    accepts: str | None = None,
    quota: Mapping[str, Any] | None = None,
) -> Environment:
    """Make an environment of a team on a cluster, and start the operation that prepares it there.

    Slug, name and namespace default to the team's; what it accepts to the stage's usual. Raises Denied role_required;
    Invalid with the field; Refused cluster_unreachable, slug_taken, name_taken (a name, or the cluster's namespace).
    """
    access.require(acting_user, "manage_teams", team)
    place = _cluster(cluster, acting_user)
    if Environment.objects.present().filter(team=team).count() >= MOST:
        raise Invalid("invalid", errors=[FieldError("/cluster", "too_many_items", {"limit": MOST})])
    slug = _slug(slug, team)
    row = Environment(
        enterprise=team.enterprise,
        team=team,
        cluster=place,
        slug=slug,
        name=_name(name, team),
        namespace=_namespace(namespace or slug, place, explicit=bool(namespace)),
        stage=stage,
        accepts=accepts or _usual(stage),
        position=_next_position(team),
        quota=read_quota(quota),
    )
    save_unique(
        row,
        {
            "environment_slug": Refused("slug_taken", slug=slug),
            "environment_namespace": _namespace_taken(row.namespace),
        },
    )
    _record("environment.created", row, acting_user, after=_shown(row))
    _start(PREPARE, row, acting_user)
    return row


def _cluster(slug: str, user: User) -> Cluster:
    rows = Cluster.objects.connected().filter(enterprise_id=user.enterprise_id)
    # Held against a removal that runs at the same time.
    cluster = rows.select_for_update(no_key=True, of=("self",)).filter(slug=slug).first()
    if cluster is None:
        choices = list(rows.order_by("slug").values_list("slug", flat=True)[:MOST])
        raise Invalid("invalid", errors=[FieldError("/cluster", "choice_unknown", {"choices": choices})])
    refuse_away(cluster)
    return cluster


def refuse_away(cluster: Cluster) -> None:
    """Refuse to start work on a cluster that is known not to answer."""
    if cluster.is_away:
        since = cluster.seen_at or cluster.created_at
        raise Refused("cluster_unreachable", cluster=cluster.name, since=since.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _slug(slug: str | None, team: Team) -> str:
    rows = Environment.objects.present().filter(enterprise=team.enterprise_id)
    if slug:
        return text.check_slug(slug)
    if not rows.filter(slug=team.slug).exists():
        return team.slug
    return text.slug_from_name(team.slug, lambda word: rows.filter(slug=word).exists(), otherwise="environment")


def _name(name: str | None, team: Team) -> str:
    checked = text.check_name(name) if name else team.name
    if Environment.objects.present().filter(team=team, name=checked).exists():
        raise Refused("name_taken", name=checked, errors=[FieldError("/name", "name_taken", {"name": checked})])
    return checked


def _namespace(namespace: str, cluster: Cluster, *, explicit: bool) -> str:
    if not _NAMESPACE.fullmatch(namespace):
        raise Invalid("invalid", errors=[FieldError("/namespace", "not_a_slug")])
    if namespace in _NAMESPACES_KEPT or namespace.startswith("kube-"):
        raise Invalid("invalid", errors=[FieldError("/namespace", "reserved", {"word": namespace})])
    if Environment.objects.present().filter(cluster=cluster, namespace=namespace).exists():
        raise _namespace_taken(namespace)
    return namespace


def _namespace_taken(namespace: str) -> Refused:
    errors = [FieldError("/namespace", "name_taken", {"name": namespace})]
    return Refused("name_taken", name=namespace, errors=errors)


def _usual(stage: str) -> str:
    return Environment.Accepts.RELEASE if stage == Environment.Stage.PRODUCTION else Environment.Accepts.ANY


def _next_position(team: Team) -> int:
    rows = Environment.objects.present().filter(enterprise=team.enterprise_id)
    highest: int | None = rows.aggregate(highest=Max("position"))["highest"]
    return 0 if highest is None else highest + 1


def read_quota(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Read a quota: cpu, memory and storage as quantities, pods as a number; empty ones are left out.

    Raises Invalid pointing at the word that is no quantity above zero.
    """
    quota: dict[str, Any] = {}
    for word in QUOTA_WORDS:
        value = (given or {}).get(word)
        if value is None or value == "":
            continue
        try:
            if quantities.parse(str(value)) <= 0:
                raise quantities.NotAQuantity(value)
        except quantities.NotAQuantity as error:
            example = "4" if word == "cpu" else "16Gi"
            raise Invalid(
                "invalid", errors=[FieldError(f"/quota/{word}", "malformed", {"example": example})]
            ) from error
        quota[word] = value
    return quota or None


@transaction.atomic
def change_environment(
    *, environment: Environment, changes: Mapping[str, Any], acting_user: User, expected_version: int | None = None
) -> Environment:
    """Change name, what it accepts, position or quota; a new quota starts the operation that sets it on the cluster.

    Raises Denied role_required, Stale etag_mismatch, Refused name_taken, environment_not_ready (for a quota),
    operation_in_progress, cluster_unreachable; Invalid.
    """
    access.require(acting_user, "manage_teams", environment.team)
    row = _locked(environment)
    check_version(row, expected_version)
    before = _shown(row)
    if "name" in changes:
        name = text.check_name(changes["name"])
        if Environment.objects.present().filter(team=row.team, name=name).exclude(pk=row.pk).exists():
            raise Refused("name_taken", name=name, errors=[FieldError("/name", "name_taken", {"name": name})])
        row.name = name
    if "accepts" in changes:
        row.accepts = changes["accepts"]
    if "position" in changes:
        row.position = changes["position"]
    if "quota" in changes:
        row.quota = read_quota(changes["quota"])
    old, new = audit.changes(before, _shown(row))
    if not new:
        return row
    row.save()
    _record_changes(row, acting_user, old, new)
    if "quota" in new:
        _apply_quota(row, acting_user)
    return row


def _apply_quota(row: Environment, user: User) -> None:
    """Have a new quota set on the cluster; one whose preparation failed gets it with the next attempt."""
    if row.state == Environment.State.READY:
        refuse_away(row.cluster)
        _start(SYNC, row, user)
    elif row.state != Environment.State.FAILED:
        raise Refused("environment_not_ready", environment=row.name, state=row.state)


def _record_changes(row: Environment, user: User, old: dict[str, Any], new: dict[str, Any]) -> None:
    """One event for each kind of change, as people look for them."""
    words = {
        "environment.renamed": ("name", "position"),
        "environment.rule_changed": ("accepts",),
        "environment.quota_changed": ("quota",),
    }
    for action, fields in words.items():
        kept = [field for field in fields if field in new]
        if kept:
            before, after = {field: old[field] for field in kept}, {field: new[field] for field in kept}
            _record(action, row, user, before=before, after=after)


@transaction.atomic
def remove_environment(*, environment: Environment, acting_user: User, expected_version: int | None = None) -> None:
    """Let go of an environment whose preparation failed; nothing of it is on the cluster any more.

    Raises Denied role_required, Stale etag_mismatch, Refused in_use for one that is or may become ready.
    """
    access.require(acting_user, "manage_teams", environment.team)
    row = _locked(environment)
    check_version(row, expected_version)
    if row.state != Environment.State.FAILED:
        blockers = list(row.application_set.filter(removed_at=None).values_list("slug", flat=True)[:MOST])
        raise Refused("in_use", blockers=blockers or [row.slug])
    row.removed_at = timezone.now()
    row.save()
    _record("environment.removed", row, acting_user)


def _locked(environment: Environment) -> Environment:
    rows = Environment.objects.present().select_related("team", "cluster", "enterprise")
    row = rows.select_for_update(of=("self",)).filter(pk=environment.pk).first()
    if row is None:
        raise NotFound()
    return row


# --- The operations of an environment ----------------------------------------------------------------------------


def _start(
    kind: str,
    row: Environment,
    user: User | None,
    *,
    parent: Operation | None = None,
    retry_of: Operation | None = None,
) -> Operation:
    return enqueue(
        kind=kind,
        subject=Subject("environment", row.pk, row.name, f"/api/v1/environments/{row.slug}"),
        enterprise=row.enterprise,
        team=row.team,
        environment_id=row.pk,
        cluster_id=row.cluster_id,
        lock_key=row.lock_key,
        initiator=user,
        deadline_seconds=SECONDS,
        parent=parent,
        retry_of=retry_of,
    )


def prepared(row: Environment, operation: Operation, *, pull_secret_hash: str | None) -> None:
    """Write that the environment is as it should be; called in the transaction that ends the operation."""
    was = row.state
    row.state, row.pull_secret_hash = Environment.State.READY, pull_secret_hash
    row.save(update_fields=["state", "pull_secret_hash"])
    if was != Environment.State.READY:
        _record("environment.prepared", row, operation.initiator, after={"operation": operation.name})
    credentials, content = pull_secret.current(row.enterprise)
    if credentials and content != pull_secret_hash:
        # The registry was saved while this ran: what was written is old already.
        _start(SYNC, row, operation.initiator)


def preparation_failed(row: Environment, operation: Operation, error: WaybillError | None) -> None:
    """Write that the environment could not be made; what was made was taken back."""
    row.state = Environment.State.FAILED
    row.save(update_fields=["state"])
    after = {"operation": operation.name, "code": error.code if error else "cancelled"}
    _record("environment.preparation_failed", row, operation.initiator, after=after)


@transaction.atomic
def prepare_again(*, operation: Operation, acting_user: User) -> Operation:
    """Prepare an environment again whose preparation failed. Raises Refused not_retryable, cluster_unreachable."""
    row = _of(operation)
    access.require(acting_user, "manage_teams", row.team)
    if row.state != Environment.State.FAILED:
        raise Refused("not_retryable", kind=operation.kind)
    refuse_away(row.cluster)
    started = _start(PREPARE, row, acting_user, retry_of=operation)
    row.state = Environment.State.PREPARING
    row.save(update_fields=["state"])
    return started


@transaction.atomic
def sync_again(*, operation: Operation, acting_user: User) -> Operation:
    """Sync an environment again. Raises Refused not_retryable, operation_in_progress, cluster_unreachable."""
    row = _of(operation)
    access.require(acting_user, "manage_teams", row.team)
    if row.state != Environment.State.READY:
        raise Refused("not_retryable", kind=operation.kind)
    refuse_away(row.cluster)
    return _start(SYNC, row, acting_user, retry_of=operation)


def _of(operation: Operation) -> Environment:
    rows = Environment.objects.present().filter(pk=operation.environment_id or operation.pk)
    row = rows.select_related("team", "cluster", "enterprise").select_for_update(of=("self",)).first()
    if row is None:
        raise Refused("not_retryable", kind=operation.kind)
    return row


def sync_all(*, enterprise: Enterprise, subject: Subject, acting_user: User) -> Operation | None:
    """Bring the pull secret of every ready environment up to date: one batch, one operation for each.

    Called in the transaction that saves the registry. Environments at work are left out: what runs there looks again
    when it ends. Gives None when there is none to sync.
    """
    credentials, content = pull_secret.current(enterprise)
    if not credentials:
        return None
    rows = Environment.objects.present().filter(enterprise=enterprise, state=Environment.State.READY)
    stale = [row for row in rows.select_related("team", "enterprise") if row.pull_secret_hash != content]
    keys = [row.lock_key for row in stale]
    busy = set(Operation.objects.active().filter(lock_key__in=keys).values_list("lock_key", flat=True))
    chosen = [row for row in stale if row.lock_key not in busy]
    if not chosen:
        return None
    batch = enqueue(
        kind="batch",
        is_batch=True,
        subject=subject,
        enterprise=enterprise,
        initiator=acting_user,
        deadline_seconds=SECONDS,
    )
    for row in chosen:
        _start(SYNC, row, acting_user, parent=batch)
    return batch


def _shown(row: Environment) -> dict[str, Any]:
    fields = ("slug", "name", "namespace", "stage", "accepts", "position", "quota")
    return {**{field: getattr(row, field) for field in fields}, "cluster": row.cluster.slug}


def _record(action: str, row: Environment, user: User | None, **details: Any) -> None:
    audit.record(
        action,
        acting_user=user,
        object_type="environment",
        object_id=row.pk,
        object_label=row.slug,
        team=row.team,
        environment_id=row.pk,
        **details,
    )
