"""Waybill on a cluster with real nodes, installed from these manifests: what `make self-hosted` and its test do."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.stream import stream

from deploy.image import layout
from deploy.image.build import CONSOLE, SERVERS
from deploy.kubernetes.documents import NAMESPACE, TRIAL, apply, documents, path_of
from deploy.local.cluster import Cluster
from deploy.local.node.commands import INGRESS_CLASS
from deploy.local.plan import NETWORKS, PlatformError, RegistryFacts
from deploy.local.registry import Registry

DEPLOYMENTS = ("waybill-web", "waybill-streams", "waybill-worker")
PULL = "waybill-pull"
Json = dict[str, Any]
Say = Callable[[str], None]


class Hosted:
    """A console on one cluster, in the namespace `waybill`."""

    def __init__(self, cluster: Cluster, registry: RegistryFacts, *, copies: int = 2, say: Say = print) -> None:
        self.cluster = cluster
        self.registry = registry
        self.copies = copies
        self.say = say
        self.url = f"http://{cluster.facts.host}"
        self._here = f"/namespaces/{NAMESPACE}"

    def push(self, images: Path, tag: str = "trial") -> dict[str, str]:
        """Push the images of a layout to the platform's registry; name → reference by digest."""
        client = Registry.of(self.registry)
        return {name: layout.push(images, name, client, f"waybill/{name}", tag) for name in (CONSOLE, SERVERS)}

    def install(self, references: dict[str, str], *, within: float = 900) -> None:
        """Install it, or bring what is installed to these images; returns when it answers and its worker works.

        PlatformError when the cluster refuses something, or it is not ready `within` so many seconds.
        """
        began = time.monotonic()
        wanted = documents(TRIAL, images=references)
        for document in wanted:
            self._fit(document)
            if document["kind"] == "Namespace":
                apply(self.cluster, document)
                self._secrets()
            else:
                apply(self.cluster, document)
        for name in DEPLOYMENTS:
            self.wait_rolled_out(name, within=within - (time.monotonic() - began))
        self.say(f"Waybill answers at {self.url} after {time.monotonic() - began:.0f} s.")

    def _fit(self, document: Json) -> None:
        """Fit a manifest to the local platform: one address without TLS, networks of this machine, as many pods."""
        if document["kind"] == "Deployment":
            document["spec"]["replicas"] = self.copies
        if document["kind"] == "ConfigMap":
            document["data"] |= {"WAYBILL_PUBLIC_URL": self.url, "WAYBILL_OUTBOUND_ALLOW": NETWORKS}
        if document["kind"] == "Ingress":
            spec = document["spec"]
            del spec["tls"], spec["rules"][0]["host"]
            spec["ingressClassName"] = INGRESS_CLASS

    def _secrets(self) -> None:
        """Make keys and passwords, unless they are there: sealed rows open with the keys they were sealed with."""
        there, _ = self.cluster.api("GET", f"/api/v1{self._here}/secrets/waybill")
        if there != 200:
            word, broker = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
            self._secret("waybill", "Opaque", {
                "secret_key": secrets.token_urlsafe(48),
                "keys": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
                "database_password": word,
                "broker_password": broker,
                "database_url": f"postgresql://waybill:{word}@waybill-postgres:5432/waybill",
                "broker_url": f"redis://:{broker}@waybill-valkey:6379/0",
            })  # fmt: skip
        account = {"username": self.registry.pull_user, "password": self.registry.pull_password}
        kept = {".dockerconfigjson": json.dumps({"auths": {self.registry.address: account}})}
        self._secret(PULL, "kubernetes.io/dockerconfigjson", kept)
        service_account = {"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{"name": PULL}]}
        apply(self.cluster, {**service_account, "metadata": {"name": "default", "namespace": NAMESPACE}})

    def _secret(self, name: str, kind: str, values: dict[str, str]) -> None:
        metadata = {"name": name, "namespace": NAMESPACE}
        apply(
            self.cluster,
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": values},
        )

    def wait_rolled_out(self, name: str, *, within: float = 600) -> None:
        """Wait until every pod of a Deployment is one of its newest template, and ready.

        PlatformError, with what its pods say, when that does not come to pass.
        """
        end = time.monotonic() + within
        while True:
            shown = self.cluster.get(f"/apis/apps/v1{self._here}/deployments/{name}")
            status, wanted = shown.get("status", {}), shown["spec"]["replicas"]
            seen = status.get("observedGeneration", 0) >= shown["metadata"]["generation"]
            counts = {status.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas")}
            if seen and counts == {wanted}:
                return
            if time.monotonic() > end:
                raise PlatformError(f"{name} is not ready: {self._why(name)}")
            time.sleep(0.5)

    def _why(self, deployment: str) -> str:
        """What the pods of a Deployment wait for, in their own words."""
        said = []
        for pod in self.pods(deployment.removeprefix("waybill-")):
            status = pod["status"]
            each = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
            name = pod["metadata"]["name"]
            said += [f"{name} {one['name']}: {one['state']}" for one in each if not one["ready"]]
            if not status.get("containerStatuses"):
                said.append(f"{name}: {status.get('conditions')}")
        return "; ".join(said) or "no pods"

    def pods(self, component: str) -> list[Json]:
        """The pods of `web`, `streams`, `worker`, `postgres` or `valkey`."""
        query = f"?labelSelector=app.kubernetes.io%2Fcomponent%3D{component}"
        found: list[Json] = self.cluster.get(f"/api/v1{self._here}/pods{query}")["items"]
        return found

    def command(self, *words: str) -> str:
        """Run a management command in a web pod, as `kubectl exec` does; what it printed. PlatformError if it fails."""
        pod = next(pod["metadata"]["name"] for pod in self.pods("web") if "deletionTimestamp" not in pod["metadata"])
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
            authority.write(self.cluster.ca_pem)
            authority.flush()
            settings = Configuration(host=self.cluster.endpoint)
            settings.ssl_ca_cert = authority.name
            settings.api_key = {"authorization": f"Bearer {self.cluster.admin_token}"}
            line = ["python", "manage.py", *words]
            asked = stream(
                CoreV1Api(ApiClient(settings)).connect_get_namespaced_pod_exec,
                pod, NAMESPACE, container="web", command=line, stdout=True, stderr=True, stdin=False, tty=False,
                _preload_content=False,
            )  # fmt: skip
            asked.run_forever(timeout=120)
            printed, faults = asked.read_stdout(), asked.read_stderr()
        if asked.returncode != 0:
            raise PlatformError(f"{' '.join(words)}: {faults.strip() or printed.strip()}")
        return str(printed).strip()

    def first_admin(self, login: str, name: str) -> None:
        """Make the first admin."""
        self.command("first_admin", login, "--name", name)

    def token(self, login: str) -> str:
        """Make an access token for a person."""
        return self.command("token", login).splitlines()[-1].strip()

    def restart(self, component: str) -> None:
        """Roll a Deployment over to new pods of the same kind, as `kubectl rollout restart` does."""
        stamp = {"restarted": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        self.cluster.patch(f"/apis/apps/v1{self._here}/deployments/waybill-{component}", body)

    def remove(self) -> None:
        """Remove it, rows included."""
        for document in documents(TRIAL):
            if document["kind"] == "Namespace":
                self.cluster.api("DELETE", path_of(document))
