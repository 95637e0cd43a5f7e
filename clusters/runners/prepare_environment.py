"""The runners of `prepare_environment` and `sync_environment`: an environment on its cluster, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from clusters import pull_secret
from clusters.actions import environments as actions
from clusters.kube import connect, keys
from clusters.kube.client import Client
from clusters.kube.errors import Exists, Forbidden, Outdated
from clusters.manifests import environment as manifests
from clusters.manifests import labels, names
from clusters.models import Environment
from console.kit.errors import Rejected, WaybillError
from operations.engine.runner import Runner

if TYPE_CHECKING:
    from clusters.kube.protocol import Manifest
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User

PREPARE, SYNC = "prepare_environment", "sync_environment"
STEPS = ("connect", "namespace", "access", "limits", "pull_secret", "verify")
SECONDS = 300
GONE_SECONDS = 90.0
SETTLE_SECONDS = 15.0
PAUSE = 0.5

_PROBE = {
    "name": "probe",
    "image": "waybill.invalid/probe:1",
    "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
_MAY = (("create", "pods", ""), ("patch", "deployments", "apps"), ("delete", "secrets", ""), ("list", "events", ""))


class EnvironmentRunner(Runner):
    """Make what an environment consists of, each step observing first, so that it can be begun again anywhere."""

    def steps(self, operation: Operation) -> list[str]:
        """Give the six steps."""
        return list(STEPS)

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step with the cluster's own credential."""
        environment = self._environment(work.operation)
        kube = connect.for_cluster(environment.cluster).bound(work, step.key)
        getattr(self, f"_{step.key}")(work, step, environment, kube)

    @staticmethod
    def _environment(operation: Operation) -> Environment:
        rows = Environment.objects.select_related("cluster", "team", "enterprise")
        return rows.get(pk=operation.environment_id or operation.pk)

    # --- The steps -----------------------------------------------------------------------------------------------

    def _connect(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Reach the cluster, and be sure that it is the one that was connected."""
        namespace = kube.get("Namespace", "kube-system")
        uid = str((namespace or {}).get("metadata", {}).get("uid", ""))
        if uid != environment.cluster.uid:
            raise Rejected("cluster_replaced", cluster=environment.cluster.name)
        step.observe(uid=uid)

    def _namespace(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Make the namespace; one that exists and is not ours is a stranger's and stays as it is."""
        live = self._settled(work, environment, kube)
        owner = str(environment.pk)
        manifest = manifests.namespace(environment.namespace, owner, environment.pod_security)
        if live is None:
            step.intend(make=True)
            try:
                answer = kube.apply(manifest, keys.MANAGER, create_only=True)
            except Exists:
                live = kube.get("Namespace", environment.namespace)
            else:
                work.changed("part")
                step.observe(uid=answer.uid)
                return
        if live is None or not owned(live, environment):
            raise Rejected("namespace_exists", namespace=environment.namespace)
        answer = kube.apply(manifest, keys.MANAGER, uid=live["metadata"]["uid"], force=True)
        step.observe(uid=answer.uid)

    def _settled(self, work: Work, environment: Environment, kube: Client) -> Manifest | None:
        """Read the namespace; one of ours that is still being deleted is waited for."""
        waited = 0.0
        while True:
            live = kube.get("Namespace", environment.namespace)
            ending = live is not None and "deletionTimestamp" in live["metadata"]
            if live is None or not ending or not owned(live, environment) or waited > GONE_SECONDS:
                return live
            work.pause(PAUSE)
            waited += PAUSE

    def _access(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Make what all environments of a cluster share, then this one's key and the one binding that names it."""
        owner = str(environment.pk)
        if kube.get("Namespace", names.SYSTEM_NAMESPACE) is None:
            kube.apply(manifests.system_namespace(), keys.MANAGER)
        for role in (manifests.deploy_role(), manifests.prepare_role()):
            try:
                kube.apply(role, keys.MANAGER, force=True)
            except Forbidden:
                # Made beforehand by an admin of the cluster; what it lacks, the last step finds out.
                work.log("role_left_as_it_is", role=role["metadata"]["name"])
        if not kube.may("create", "resourcequotas", namespace=environment.namespace):
            subject = subject_of(kube.who())
            kube.apply(manifests.prepare_binding(environment.namespace, owner, subject), keys.MANAGER, force=True)
        keys.place_key(kube, environment, work.generation)
        work.changed("part")
        step.observe(key=names.key(environment.slug, work.generation))

    def _limits(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Set quota, limits of containers, and the network policy that keeps other namespaces out."""
        owner, namespace = str(environment.pk), environment.namespace
        wanted = [manifests.limit_range(namespace, owner), manifests.default_policy(namespace, owner)]
        if environment.quota:
            wanted.append(manifests.resource_quota(namespace, owner, environment.quota))
        else:
            self._drop_quota(environment, kube)
        for manifest in wanted:
            kube.apply(manifest, keys.MANAGER, force=True)
        step.observe(objects=[f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in wanted])

    @staticmethod
    def _drop_quota(environment: Environment, kube: Client) -> None:
        """Remove the quota of an environment that is no longer to have one."""
        try:
            live = kube.get("ResourceQuota", names.QUOTA, environment.namespace)
        except Forbidden:
            return
        if live is not None and owned(live, environment):
            kube.delete("ResourceQuota", names.QUOTA, environment.namespace, uid=live["metadata"]["uid"])

    def _pull_secret(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Write the registries' pull credentials, once a registry is set."""
        credentials, content = pull_secret.current(environment.enterprise)
        if not credentials:
            step.skip("registry_not_set")
            return
        manifest = manifests.pull_secret(environment.namespace, str(environment.pk), credentials)
        kube.apply(manifest, keys.MANAGER, force=True)
        step.observe(hash=content, registries=sorted(credentials))

    def _verify(self, work: Work, step: StepWork, environment: Environment, kube: Client) -> None:
        """Use the key: it must be able to do here what delivering needs."""
        key = connect.for_environment(environment).bound(work, step.key)
        waited = 0.0
        while True:
            try:
                self._try_key(environment, key)
                break
            except Rejected as error:
                if waited > SETTLE_SECONDS or not settles(error):
                    raise
                work.pause(PAUSE)
                waited += PAUSE
        work.changed("all")
        step.observe(key=names.key(environment.slug, work.generation))

    @staticmethod
    def _try_key(environment: Environment, key: Client) -> None:
        for verb, resource, group in _MAY:
            if not key.may(verb, resource, group=group, namespace=environment.namespace):
                raise Forbidden(verb, f"{resource}.{group}" if group else resource)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "waybill-probe", "namespace": environment.namespace},
            "spec": {
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_PROBE],
            },
        }
        key.create(pod, dry_run=True)

    # --- The end -------------------------------------------------------------------------------------------------

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Write what the end means for the environment."""
        environment = self._environment(operation)
        if state == "succeeded":
            steps = operation.steps.filter(key="pull_secret").values_list("observed", flat=True).first() or {}
            actions.prepared(environment, operation, pull_secret_hash=steps.get("hash"))
        else:
            self.failed(environment, operation, error)

    def failed(self, environment: Environment, operation: Operation, error: WaybillError | None) -> None:
        """Write what a bad end means for the environment."""

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who may make environments."""
        return "manage_teams", None


class PrepareRunner(EnvironmentRunner):
    """Make a new environment; a failure takes back what was made."""

    kind: ClassVar[str] = PREPARE

    def undo(self, work: Work, error: WaybillError | None) -> None:
        """Take back the namespace and the keys this environment has; what belongs to others, or to all, stays."""
        environment = self._environment(work.operation)
        kube = connect.for_cluster(environment.cluster).bound(work, "undo")
        for generation in range(1, work.generation + 1):
            keys.drop_key(kube, environment, generation)
        connect.forget_key(environment)
        live = kube.get("Namespace", environment.namespace)
        if live is not None and owned(live, environment):
            try:
                kube.delete("Namespace", environment.namespace, uid=live["metadata"]["uid"])
            except Outdated:
                return
            self._settled(work, environment, kube)
        work.log("environment_taken_back", namespace=environment.namespace)

    def failed(self, environment: Environment, operation: Operation, error: WaybillError | None) -> None:
        """The environment is failed; its row stays with the operation that says why."""
        actions.preparation_failed(environment, operation, error)

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Prepare the same environment again. Raises Refused not_retryable once it is ready or removed."""
        return actions.prepare_again(operation=operation, acting_user=acting_user)


class SyncRunner(EnvironmentRunner):
    """Bring an environment that is in use to what the console says now: quota, policy, pull secret."""

    kind: ClassVar[str] = SYNC

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Sync the same environment again."""
        return actions.sync_again(operation=operation, acting_user=acting_user)


def owned(live: Manifest, environment: Environment) -> bool:
    """Tell whether an object was made for this environment and no other."""
    found = live["metadata"].get("labels") or {}
    return bool(found.get(labels.ENVIRONMENT) == str(environment.pk))


def subject_of(user: str) -> dict[str, str]:
    """Give the RBAC subject for a user name as the server told it."""
    prefix, _, rest = user.partition("system:serviceaccount:")
    if not prefix and ":" in rest:
        namespace, _, name = rest.partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}


def settles(error: Rejected) -> bool:
    """Tell whether a refusal right after making things may go away by itself: a binding, or a quota not yet counted."""
    if isinstance(error, Forbidden):
        return True
    return error.code == "quota_refused" and str(error.params["words"]).startswith("status unknown for quota")
