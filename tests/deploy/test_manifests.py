"""The manifests: a real API server takes every field, they say what they must, and kubectl reads them as we do."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.kit import env
from deploy.compose.prepare import prepare
from deploy.kubernetes.documents import CONSOLE, TRIAL, apply, documents, path_of
from deploy.local.cluster import Cluster
from deploy.local.plan import PlatformError
from deploy.local.process import wait_until
from tests.house.files import ROOT

Json = dict[str, Any]
IMAGES = {"waybill": "registry.example.com/waybill@sha256:" + "0" * 64, "waybill-servers": "servers:1"}


def pods() -> list[tuple[str, Json]]:
    """The pod of every workload, by its name."""
    found = documents(TRIAL, images=IMAGES)
    return [(d["metadata"]["name"], d["spec"]["template"]["spec"]) for d in found if "template" in d.get("spec", {})]


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[str]:
    """The namespace with its rules, under a name of this run alone: dry runs want it there."""
    name = f"waybill-{uuid.uuid4().hex[:12]}"
    space = next(placed(d, name) for d in documents(CONSOLE) if d["kind"] == "Namespace")
    apply(cluster, space)
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    assert wait_until(lambda: cluster.api("GET", account)[0] == 200, within=30), "no pod is admitted without it"
    yield name
    cluster.api("DELETE", path_of(space))


def placed(document: Json, name: str) -> Json:
    """A document for another namespace than the one that the manifests name."""
    metadata = document["metadata"]
    metadata["name" if document["kind"] == "Namespace" else "namespace"] = name
    return document


def test_a_real_api_server_takes_every_document_and_knows_every_field(cluster: Cluster, place: str) -> None:
    for document in documents(TRIAL, images=IMAGES):
        answer = apply(cluster, placed(document, place), dry_run=True)
        assert answer["metadata"]["name"] == document["metadata"]["name"]
    wrong = placed(next(d for d in documents(CONSOLE) if d["kind"] == "Deployment"), place)
    wrong["spec"]["template"]["spec"]["containers"][0]["readOnlyRoot"] = True
    with pytest.raises(PlatformError, match="readOnlyRoot"):
        apply(cluster, wrong, dry_run=True)


def test_the_namespace_lets_their_pods_in_and_no_looser_ones(cluster: Cluster, place: str) -> None:
    """Pod Security speaks when a pod is made, and only warns about a workload: so pods are asked."""
    path = f"/api/v1/namespaces/{place}/pods?dryRun=All"
    for name, spec in pods():
        mounted = {**spec, "volumes": [*spec["volumes"], {"name": "data", "emptyDir": {}}]}
        pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": mounted}
        status, answer = cluster.api("POST", path, pod)
        assert status == 201, answer
        pod["spec"] = {**mounted, "securityContext": {}}
        status, answer = cluster.api("POST", path, pod)
        assert (status, "PodSecurity" in answer["message"]) == (403, True)


@pytest.mark.parametrize(("name", "spec"), pods(), ids=[name for name, _ in pods()])
def test_every_pod_runs_with_as_little_as_it_needs(name: str, spec: Json) -> None:
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False, "links would be taken for settings"
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        inside = container["securityContext"]
        assert inside["readOnlyRootFilesystem"] is True
        assert inside["allowPrivilegeEscalation"] is False
        assert inside["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
    if name in {"waybill-web", "waybill-streams"}:
        (served,) = spec["containers"]
        assert served["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert served["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_console_starts_with_exactly_these_settings(tmp_path: Path) -> None:
    settings = next(d for d in documents(CONSOLE) if d["kind"] == "ConfigMap")["data"]
    prepare(tmp_path / "made")
    names = set(re.findall(r"/run/secrets/waybill/(\w+)", str(settings)))
    assert names == {"secret_key", "keys", "database_url", "broker_url"}
    said = {k: v.replace("/run/secrets/waybill", str(tmp_path / "made")) for k, v in settings.items()}
    read = env.read(said)
    assert (read.public_url, read.trusted_proxies) == ("https://waybill.example.com", ())
    guide = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert all(f"--from-file={name}" in guide or f"--from-literal={name}" in guide for name in names)


def test_commands_are_the_same_in_compose_and_here() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, spec in pods():
        part = name.removeprefix("waybill-")
        if part in {"web", "streams", "worker"}:
            here = spec["containers"][0]["command"]
            assert here[:2] == ["python", "-m"]
            assert here[2:] == compose[part]["command"]


@pytest.mark.parametrize("folder", [CONSOLE, TRIAL], ids=lambda path: path.name)
def test_kubectl_puts_them_together_in_the_same_way(folder: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl on this machine")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = {path_of(document): document for document in yaml.safe_load_all(done.stdout)}
    assert theirs == {path_of(document): document for document in documents(folder)}


def test_what_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\nnamespace: x\nnamePrefix: y-\n")
    with pytest.raises(ValueError, match="namePrefix is not understood"):
        documents(tmp_path)
