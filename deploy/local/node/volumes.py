"""The volumes of real nodes: folders of the cluster that any pod may write to, wiped and free again after their claim.

``python -m deploy.local.node.volumes STATE`` looks after those of a running platform until it is ended.
"""

from __future__ import annotations

import http.client
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from deploy.local.cluster import Cluster
from deploy.local.plan import PlatformError, load

FOLDER = "volumes"
EVERY = 1.0
"""Seconds between two looks."""


def folder_of(cluster: Cluster, name: str) -> Path:
    """Where the files of a volume lie."""
    return cluster.state / cluster.slug / FOLDER / name


def make_folder(folder: Path) -> None:
    """Make the folder of a volume. Pods run as users of their own choice, and nothing changes the owner for them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)


def free(cluster: Cluster) -> list[str]:
    """Wipe the volumes whose claim was deleted and offer them again; their names."""
    freed = []
    for volume in cluster.get("/api/v1/persistentvolumes")["items"]:
        name: str = volume["metadata"]["name"]
        if volume["status"].get("phase") == "Released":
            _wipe(folder_of(cluster, name))
            body: dict[str, Any] = {
                "metadata": {"resourceVersion": volume["metadata"]["resourceVersion"]},
                "spec": {"claimRef": None},
            }
            cluster.patch(f"/api/v1/persistentvolumes/{name}", body)
            freed.append(name)
    return freed


def _wipe(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def keep(state: Path) -> None:
    """Look after the volumes of all real clusters of a platform, for ever; one that is away is looked at later."""
    plan = load(state)
    if plan is None:
        raise PlatformError(f"no platform was made in {state}")
    clusters = [Cluster(state, facts, timeout=2) for facts in plan.clusters if facts.real]
    while True:
        for cluster in clusters:
            try:
                for name in free(cluster):
                    print(f"{cluster.slug}: {name} is free again", flush=True)
            except (OSError, http.client.HTTPException, PlatformError) as error:
                print(f"{cluster.slug}: {error}", file=sys.stderr, flush=True)
        time.sleep(EVERY)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
