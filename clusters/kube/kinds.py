"""The kinds the console speaks about, and where the API serves each. A closed list: other kinds do not exist for it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class Resource(NamedTuple):
    """Where a kind is served."""

    api_version: str
    plural: str
    namespaced: bool

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]


_ROWS = """
v1 Namespace namespaces -
v1 Node nodes -
v1 Pod pods +
v1 Service services +
v1 ConfigMap configmaps +
v1 Secret secrets +
v1 PersistentVolumeClaim persistentvolumeclaims +
v1 ServiceAccount serviceaccounts +
v1 Event events +
v1 ResourceQuota resourcequotas +
v1 LimitRange limitranges +
apps/v1 Deployment deployments +
apps/v1 StatefulSet statefulsets +
apps/v1 DaemonSet daemonsets +
apps/v1 ReplicaSet replicasets +
apps/v1 ControllerRevision controllerrevisions +
batch/v1 Job jobs +
batch/v1 CronJob cronjobs +
networking.k8s.io/v1 Ingress ingresses +
networking.k8s.io/v1 IngressClass ingressclasses -
networking.k8s.io/v1 NetworkPolicy networkpolicies +
storage.k8s.io/v1 StorageClass storageclasses -
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers +
policy/v1 PodDisruptionBudget poddisruptionbudgets +
rbac.authorization.k8s.io/v1 Role roles +
rbac.authorization.k8s.io/v1 RoleBinding rolebindings +
rbac.authorization.k8s.io/v1 ClusterRole clusterroles -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings -
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews -
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews -
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews -
"""

KINDS: dict[str, Resource] = {
    kind: Resource(api_version, plural, scope == "+")
    for api_version, kind, plural, scope in (row.split() for row in _ROWS.strip().splitlines())
}


def path(kind: str, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
    """Give the path of a kind's collection (`name` left out) or of one object.

    Raises KeyError for a kind outside the list, ValueError for a namespaced object without its namespace.
    """
    resource = KINDS[kind]
    root = f"/api/{resource.api_version}" if not resource.group else f"/apis/{resource.api_version}"
    if resource.namespaced and namespace:
        root += f"/namespaces/{quote(namespace, safe='')}"
    elif resource.namespaced and name:
        raise ValueError(f"{kind}/{name} needs its namespace")
    root += f"/{resource.plural}"
    if name:
        root += f"/{quote(name, safe='')}"
    return f"{root}/{subresource}" if subresource else root
