"""A process of a platform before it is started, and how any program is told of a cluster."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A process to run: its name in the platform, its command line, what is added to its environment, its log."""

    name: str
    line: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stage: int = 0
    """When the platform is taken down: first all of stage 0, then those of 1 that they need, then 2."""
    forks: bool = False
    """Whether the program is the child of what is started; signals are for the program."""
    again: bool = True
    """Whether it is started again when it ended by itself."""


def kubeconfig(endpoint: str, ca_pem: str, token: str, *, name: str) -> str:
    """A kubeconfig with everything inline; JSON, which is YAML too."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": endpoint,
                        "certificate-authority-data": base64.b64encode(ca_pem.encode()).decode(),
                    },
                }
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        indent=1,
    )


def environment() -> dict[str, str]:
    """What every process of the platform gets: of this process's environment nothing that could change what it does."""
    kept = ("PATH", "LANG", "TMPDIR")
    # Dozens of Go programs share a few cores: threads of each that look for work cost more than the work here.
    return {name: os.environ[name] for name in kept if name in os.environ} | {"GOMAXPROCS": "1"}
