"""What an environment itself consists of on its cluster: namespace, limits, policy, pull secret, key and bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from clusters.manifests import labels, names
from clusters.manifests.config import docker_config
from clusters.manifests.scope import Manifest, PullCredential, encoded
from clusters.spec.parts import DEFAULT_LIMITS, DEFAULT_REQUESTS

QUOTA_KEYS = {"cpu": "limits.cpu", "memory": "limits.memory", "storage": "requests.storage", "pods": "pods"}
"""What a quota's words are called by Kubernetes."""

_APP_KINDS = (
    ("", ("configmaps", "secrets", "services", "persistentvolumeclaims", "serviceaccounts")),
    ("apps", ("deployments", "statefulsets", "daemonsets")),
    ("batch", ("jobs", "cronjobs")),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("policy", ("poddisruptionbudgets",)),
)


class Quota(TypedDict, total=False):
    """The limits of an environment: quantities, and a number of pods. What is absent is not limited."""

    cpu: str
    memory: str
    storage: str
    pods: int


def namespace(name: str, environment_id: str, pod_security: str = "restricted") -> Manifest:
    """The namespace, held to a Pod Security level."""
    own = labels.of_environment(environment_id)
    own |= {f"{labels.POD_SECURITY}{mode}": pod_security for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}}


def system_namespace() -> Manifest:
    """The namespace in which the keys of all environments of a cluster lie, outside every environment."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": names.SYSTEM_NAMESPACE, "labels": {labels.MANAGED_BY: labels.CONSOLE}},
    }


def resource_quota(namespace: str, environment_id: str, quota: Quota) -> Manifest:
    """The ResourceQuota `waybill`."""
    hard = {QUOTA_KEYS[name]: str(amount) for name, amount in quota.items() if amount is not None}
    return _in(namespace, environment_id, "v1", "ResourceQuota", names.QUOTA, spec={"hard": hard})


def limit_range(namespace: str, environment_id: str) -> Manifest:
    """The LimitRange `waybill`: what a container gets that says nothing, so that a quota never refuses it for that."""
    container = {"type": "Container", "default": dict(DEFAULT_LIMITS), "defaultRequest": dict(DEFAULT_REQUESTS)}
    return _in(namespace, environment_id, "v1", "LimitRange", names.LIMITS, spec={"limits": [container]})


def default_policy(namespace: str, environment_id: str) -> Manifest:
    """The NetworkPolicy `waybill-default`: ingress from the same namespace only, egress free."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
    return _in(namespace, environment_id, "networking.k8s.io/v1", "NetworkPolicy", names.DEFAULT_POLICY, spec=spec)


def pull_secret(namespace: str, environment_id: str, credentials: Mapping[str, PullCredential]) -> Manifest:
    """The Secret `waybill-registry`: every registry in use, by host."""
    data = {".dockerconfigjson": encoded(docker_config(dict(credentials)))}
    kind = "kubernetes.io/dockerconfigjson"
    return _in(namespace, environment_id, "v1", "Secret", names.REGISTRY_SECRET, type=kind, data=data)


def key_account(environment: str, generation: int, environment_id: str) -> Manifest:
    """The ServiceAccount that is the environment's key of that generation."""
    account = names.key(environment, generation)
    return _in(
        names.SYSTEM_NAMESPACE, environment_id, "v1", "ServiceAccount", account, automountServiceAccountToken=False
    )


def deploy_binding(namespace: str, environment_id: str, environment: str, generation: int) -> Manifest:
    """The RoleBinding `waybill-deploy`: its one subject is this generation's key, so one PATCH drops the old one."""
    account = {
        "kind": "ServiceAccount",
        "name": names.key(environment, generation),
        "namespace": names.SYSTEM_NAMESPACE,
    }
    return _binding(namespace, environment_id, names.DEPLOY, account)


def prepare_binding(namespace: str, environment_id: str, subject: Mapping[str, str]) -> Manifest:
    """The RoleBinding `waybill-prepare` for the console's account (an RBAC subject), where that is no cluster admin."""
    return _binding(namespace, environment_id, names.PREPARE, dict(subject))


def prepare_role() -> Manifest:
    """The ClusterRole `waybill-prepare`: what the console itself may make in an environment."""
    return _cluster_role(
        names.PREPARE,
        [
            _rule("", ("resourcequotas", "limitranges", "secrets"), ("create", "patch")),
            _rule("networking.k8s.io", ("networkpolicies",), ("create", "patch")),
        ],
    )


def deploy_role() -> Manifest:
    """The ClusterRole `waybill-deploy`: what an environment's key may do there.

    No update, deletecollection, exec, attach, portforward, ephemeralcontainers, roles.
    """
    every = ("get", "list", "watch", "create", "patch", "delete")
    look = ("get", "list", "watch")
    rules = [_rule(group, resources, every) for group, resources in _APP_KINDS]
    rules += [
        _rule("", ("pods",), ("get", "list", "watch", "create", "delete")),
        _rule("", ("pods/log",), ("get",)),
        _rule("", ("events",), ("list", "watch")),
        _rule("events.k8s.io", ("events",), ("list", "watch")),
        _rule("apps", ("replicasets", "controllerrevisions"), look),
        _rule("", ("resourcequotas", "limitranges"), ("get", "list")),
    ]
    return _cluster_role(names.DEPLOY, rules)


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _cluster_role(name: str, rules: list[dict[str, Any]]) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {labels.MANAGED_BY: labels.CONSOLE}},
        "rules": rules,
    }


def _binding(namespace: str, environment_id: str, role: str, subject: dict[str, str]) -> Manifest:
    return _in(
        namespace,
        environment_id,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        role,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        subjects=[subject],
    )


def _in(namespace: str, environment_id: str, api_version: str, kind: str, name: str, **rest: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels.of_environment(environment_id)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
