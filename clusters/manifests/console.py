"""What a cluster admin applies once where the console is not to be a cluster admin: the least it needs, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clusters.manifests import environment, labels, names
from clusters.manifests.scope import Manifest

CONSOLE = "waybill-console"
KEYS = "waybill-keys"
_RBAC = "rbac.authorization.k8s.io"


def console_manifests(subject: dict[str, str]) -> list[Manifest]:
    """Give them in the order in which they are applied; `subject` is the console's account (an RBAC subject)."""
    system = names.SYSTEM_NAMESPACE
    return [
        environment.system_namespace(),
        environment.prepare_role(),
        environment.deploy_role(),
        _role("ClusterRole", CONSOLE, _console_rules()),
        _binding("ClusterRoleBinding", CONSOLE, "ClusterRole", subject),
        _role("Role", KEYS, _key_rules(), namespace=system),
        _binding("RoleBinding", KEYS, "Role", subject, namespace=system),
    ]


def _console_rules() -> list[dict[str, Any]]:
    """Namespaces and bindings of environments, nodes for capacity, and a look at what runs: no secrets, no config."""
    look = ("get", "list", "watch")
    ours = [names.PREPARE, names.DEPLOY]
    return [
        _rule("", ("namespaces",), ("get", "list", "watch", "create", "patch", "delete")),
        _rule("", ("nodes",), ("get", "list")),
        _rule("storage.k8s.io", ("storageclasses",), ("get", "list")),
        _rule("networking.k8s.io", ("ingressclasses",), ("get", "list")),
        _rule("networking.k8s.io", ("ingresses",), look),
        _rule(_RBAC, ("rolebindings",), ("get", "create", "patch", "delete"), only=ours),
        _rule(_RBAC, ("clusterroles",), ("bind",), only=ours),
        _rule("", ("pods", "events", "services", "persistentvolumeclaims", "resourcequotas"), look),
        _rule("apps", ("deployments", "statefulsets", "replicasets"), look),
    ]


def _key_rules() -> list[dict[str, Any]]:
    """The keys of environments, in the console's own namespace; cluster-wide this would be all rights there are."""
    return [
        _rule("", ("serviceaccounts",), ("get", "list", "create", "patch", "delete")),
        _rule("", ("serviceaccounts/token",), ("create",)),
    ]


def _rule(
    group: str, resources: Iterable[str], verbs: Iterable[str], *, only: list[str] | None = None
) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return rule | ({"resourceNames": only} if only else {})


def _metadata(name: str, namespace: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "labels": {labels.MANAGED_BY: labels.CONSOLE}}
    return found | ({"namespace": namespace} if namespace else {})


def _role(kind: str, name: str, rules: list[dict[str, Any]], *, namespace: str | None = None) -> Manifest:
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": _metadata(name, namespace), "rules": rules}


def _binding(kind: str, name: str, role: str, subject: dict[str, str], *, namespace: str | None = None) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": kind,
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": _RBAC, "kind": role, "name": name},
        "subjects": [subject],
    }
