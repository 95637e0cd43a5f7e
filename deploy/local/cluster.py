"""One cluster of a running platform, as tests and the demo use it."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local import control
from deploy.local.calls import Caller
from deploy.local.command import kubeconfig
from deploy.local.plan import ClusterFacts, PlatformError

Json = dict[str, Any]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Cluster:
    """A Kubernetes cluster: where it is, its administrator's credential, and ways to disturb it."""

    def __init__(self, state: Path, facts: ClusterFacts, *, timeout: float = 30) -> None:
        self.state = state
        self.facts = facts
        self.slug = facts.slug
        self.name = facts.name
        self.endpoint = facts.endpoint
        self.ca_pem = facts.ca_pem
        self.admin_token = facts.admin_token
        self.ingress_domain = facts.ingress_domain
        self._caller = Caller(
            facts.host,
            facts.port,
            ca_pem=facts.ca_pem,
            authorization=f"Bearer {facts.admin_token}",
            timeout=timeout,
        )

    def kubeconfig(self, *, token: str | None = None) -> str:
        """A kubeconfig with everything inline, for the administrator or for the bearer of ``token``."""
        return kubeconfig(self.endpoint, self.ca_pem, token or self.admin_token, name=self.slug)

    def api(
        self, method: str, path: str, body: Json | None = None, *, content_type: str = "application/json"
    ) -> tuple[int, Json]:
        """Call the API server as administrator; status and answer. OSError while it is away."""
        data = None if body is None else json.dumps(body).encode()
        answer = self._caller.call(method, path, data, {"Content-Type": content_type, "User-Agent": "local-platform"})
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            return answer.status, {"text": answer.body.decode(errors="replace")}

    def get(self, path: str) -> Json:
        """Read one path; PlatformError unless the answer is 200."""
        status, answer = self.api("GET", path)
        if status != http.client.OK:
            raise PlatformError(f"GET {path}: {status} {answer.get('message', answer)}")
        return answer

    def create(self, path: str, body: Json) -> Json:
        """Create an object, or leave the one that is there; PlatformError when refused."""
        status, answer = self.api("POST", path, body)
        if status not in {http.client.CREATED, http.client.CONFLICT}:
            raise PlatformError(f"POST {path}: {status} {answer.get('message', answer)}")
        return answer

    def patch(self, path: str, body: Json) -> Json:
        """Merge into an object (RFC 7386); PlatformError unless done."""
        status, answer = self.api("PATCH", path, body, content_type="application/merge-patch+json")
        if status != http.client.OK:
            raise PlatformError(f"PATCH {path}: {status} {answer.get('message', answer)}")
        return answer

    def ready(self) -> bool:
        """Whether the API server answers that it is ready."""
        try:
            return self._caller.call("GET", "/readyz").status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, *, within: float = 60) -> None:
        """Wait until the API server is ready; PlatformError after ``within`` seconds."""
        end = time.monotonic() + within
        while not self.ready():
            if time.monotonic() > end:
                raise PlatformError(f"the API server of {self.slug} is not ready after {within:.0f} s")
            time.sleep(0.1)

    def stop_apiserver(self) -> None:
        """Kill the API server: connections break, new ones are refused. It stays away until started."""
        self.stop("apiserver", number=signal.SIGKILL)

    def start_apiserver(self, *, within: float = 60) -> None:
        """Start the API server again at the same address, with the same data; return when it is ready."""
        self.start("apiserver")
        self.wait_ready(within=within)

    def freeze_apiserver(self) -> None:
        """Halt the API server: connections are accepted by the kernel and nothing is ever answered."""
        self._ask("signal", "apiserver", number=signal.SIGSTOP)

    def thaw_apiserver(self) -> None:
        """Let a frozen API server go on."""
        self._ask("signal", "apiserver", number=signal.SIGCONT)

    def stop(self, program: str, *, number: int = signal.SIGTERM) -> None:
        """Stop ``apiserver``, ``manager`` (the controllers), ``scheduler`` or ``player`` (nodes and pods).

        Where nodes are real: ``kubelet``, ``containerd``, ``proxy`` or ``names`` in the player's place, and ``etcd``.
        """
        self._ask("stop", program, number=number)

    def start(self, program: str) -> None:
        """Start a stopped program again."""
        self._ask("start", program)

    def go_dark(self) -> None:
        """Pull the plug of a cluster with a real node: nothing of it answers, and inside everything runs on."""
        control.ask(self.state, do="unplug", name=self.slug)

    def come_back(self, *, within: float = 60) -> None:
        """Put the plug in again; return when the API server answers."""
        control.ask(self.state, do="plug", name=self.slug)
        self.wait_ready(within=within)

    def lose_node(self, name: str) -> None:
        """Let a played node vanish as far as anyone can tell: it is no longer ready, nor are its pods."""
        self.patch(f"/api/v1/nodes/{name}", {"metadata": {"annotations": {"play": "lost"}}})
        self._mark_pods(name, ready=False)

    def return_node(self, name: str) -> None:
        """Bring a lost played node back; its pods are ready again."""
        self.patch(f"/api/v1/nodes/{name}", {"metadata": {"annotations": {"play": None}}})
        self._mark_pods(name, ready=True)

    def audit_entries(self) -> Iterator[Json]:
        """All entries of the audit log so far, oldest first, over all files it was rotated into.

        Every request that changed something is there, leases and events aside, before its answer was sent.
        """
        folder = self.state / self.slug
        rotated = sorted(path for path in folder.glob("audit-*.log"))
        for path in [*rotated, folder / "audit.log"]:
            if not path.exists():
                continue
            with path.open(encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):
                        yield json.loads(line)

    def _mark_pods(self, node: str, *, ready: bool) -> None:
        """Say of a node's pods whether they are ready, as the controllers do when a node's lease runs out."""
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": _now()}
        for pod in self.get(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}%2Cstatus.phase%3DRunning")["items"]:
            where = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/status"
            if all(container["ready"] for container in pod["status"].get("containerStatuses", [])):
                self.api(
                    "PATCH",
                    where,
                    {"status": {"conditions": [condition]}},
                    content_type="application/strategic-merge-patch+json",
                )

    def _ask(self, verb: str, program: str, *, number: int = signal.SIGTERM) -> None:
        control.ask(self.state, do=verb, name=f"{self.slug}/{program}", signal=int(number))
