"""The manifests as documents, put together as `kubectl kustomize` does it, for a machine that has no kubectl.

Only what the kustomizations here use is understood: resources, a namespace, images. A test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from deploy.local.cluster import Cluster
from deploy.local.plan import PlatformError

FOLDER = Path(__file__).parent
CONSOLE, TRIAL = FOLDER / "console", FOLDER / "trial"
NAMESPACE = "waybill"
MANAGER = "waybill-install"
Json = dict[str, Any]

PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
}


def documents(folder: Path, *, images: Mapping[str, str] | None = None) -> list[Json]:
    """The documents of a kustomization in the order it names them.

    `images`: the reference to use for each image's name, instead of what the kustomization says. Raises ValueError for
    a kustomization with a field that is not understood here.
    """
    said: Json = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := set(said) - {"apiVersion", "kind", "namespace", "resources", "images"}:
        raise ValueError(f"{folder}: {', '.join(sorted(unknown))} is not understood")
    references = {each["name"]: f"{each['newName']}:{each['newTag']}" for each in said.get("images", [])}
    references |= images or {}
    found: list[Json] = []
    for name in said["resources"]:
        path = folder / name
        if path.is_dir():
            found += documents(path, images=images)
        else:
            found += yaml.safe_load_all(path.read_text(encoding="utf-8"))
    for document in found:
        if document["kind"] != "Namespace":
            document["metadata"]["namespace"] = said["namespace"]
        for container in _containers(document):
            container["image"] = references.get(container["image"], container["image"])
    return found


def _containers(document: Json) -> list[Json]:
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def path_of(document: Json) -> str:
    """Where the API server has a document."""
    metadata = document["metadata"]
    return f"{PATHS[document['kind']].format(metadata.get('namespace', ''))}/{metadata['name']}"


def apply(cluster: Cluster, document: Json, *, dry_run: bool = False) -> Json:
    """Apply one document on the server's side; gives it as it is then. PlatformError when the server refuses it.

    With `dry_run` the server goes through everything but writing it down, and refuses fields it does not know.
    """
    query = f"?fieldManager={MANAGER}&force=true&fieldValidation=Strict{'&dryRun=All' if dry_run else ''}"
    path = path_of(document)
    status, answer = cluster.api("PATCH", path + query, document, content_type="application/apply-patch+yaml")
    if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise PlatformError(f"{path}: {status} {answer.get('message', answer)}")
    return answer
