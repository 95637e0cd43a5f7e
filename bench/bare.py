"""The least that sending an application can cost: the same objects by bare requests over kept connections."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import eight
from deploy.local.cluster import Cluster as LocalCluster

Manifest = dict[str, Any]
WORKLOADS = frozenset({"Deployment", "StatefulSet"})
AT_ONCE = 16
"""Requests in flight: as many as the console has from afar."""
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


class Bare:
    """Server-side apply without anything around it: no plan, no record, no inventory, nobody who may take over."""

    namespace = "bench-bare"

    def __init__(self, real: LocalCluster, address: str, objects: Sequence[Manifest]) -> None:
        self._real = real
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._context = ssl.create_default_context(cadata=real.ca_pem)
        self._here = threading.local()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        moved = [{**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in objects]
        self._waves = [
            [one for one in moved if one["kind"] not in WORKLOADS],
            [one for one in moved if one["kind"] in WORKLOADS],
        ]
        real.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def round(self) -> tuple[float, float]:
        """Ask about all objects by dry run, then apply them: seconds of both together, and of applying alone."""
        began = time.monotonic()
        self._send([one for wave in self._waves for one in wave], "&dryRun=All")
        asked = time.monotonic()
        for wave in self._waves:
            self._send(wave)
        end = time.monotonic()
        eight.until(lambda: eight.stands(self._real, self.namespace), "the bare application standing")
        list(self._pool.map(self._delete, [one for wave in self._waves for one in wave]))
        eight.until(lambda: eight.is_empty(self._real, self.namespace), "the end of the bare application")
        return end - began, end - asked

    def _send(self, objects: Sequence[Manifest], also: str = "") -> None:
        query = f"?fieldManager=bare&force=true{also}"
        list(self._pool.map(lambda one: self._ask("PATCH", f"{_path(one)}{query}", json.dumps(one).encode()), objects))

    def _delete(self, one: Manifest) -> None:
        self._ask("DELETE", _path(one), b"")

    def _ask(self, method: str, path: str, body: bytes) -> None:
        link: http.client.HTTPSConnection | None = getattr(self._here, "link", None)
        if link is None:
            link = http.client.HTTPSConnection(self._host, self._port, timeout=20, context=self._context)
            self._here.link = link
        head = {"Authorization": f"Bearer {self._real.admin_token}", "Content-Type": "application/apply-patch+yaml"}
        link.request(method, path, body, head)
        answer = link.getresponse()
        said = answer.read()
        if answer.status >= http.client.MULTIPLE_CHOICES:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")


def _path(one: Manifest) -> str:
    version, kind = one["apiVersion"], one["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    return f"{root}/namespaces/{one['metadata']['namespace']}/{plural}/{one['metadata']['name']}"
