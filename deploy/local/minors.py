"""``python -m deploy.local.minors [MINOR...]``: walk the whole road by REST on clusters of each minor of Kubernetes.

Each walk has a console, a registry and three clusters with played nodes of its own, in a folder that is gone
afterwards. What a minor's control plane is built from is locked as for the usual one; a build takes minutes, once.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.plan import CLUSTERS, free_ports
from deploy.local.programs import KUBERNETES, MINOR, OTHERS


def usual() -> str:
    """The minor that platforms have when nothing else is said."""
    return ".".join((KUBERNETES.release() or "").removeprefix("v").split(".")[:2])


def main() -> int:
    """Walk on each minor that is named, or on all; 0 when every walk came through on clusters of that minor."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m deploy.local.minors", description=__doc__)
    known = sorted([usual(), *OTHERS])
    parser.add_argument("minors", nargs="*", metavar="MINOR", help=", ".join(known))
    wanted = parser.parse_args().minors or known
    results = {minor: _walk(minor) for minor in wanted}
    for minor, is_well in results.items():
        print(f"{'ok    ' if is_well else 'FAILED'} Kubernetes {minor}", flush=True)
    return 0 if all(results.values()) else 1


def _walk(minor: str) -> bool:
    """Walk once, say what the walk says, and see that the clusters said to be of this minor."""
    print(f"=== Kubernetes {minor}", flush=True)
    with tempfile.TemporaryDirectory(prefix=f"waybill-{minor}-") as folder:
        Path(folder).chmod(0o711)
        environment = {**os.environ, MINOR: minor, "DEMO_NODES": "played", "WAYBILL_DATA_DIR": folder}
        line = [sys.executable, "-m", "deploy.local.demo", "walk", "--port", str(free_ports(1)[0])]
        said: list[str] = []
        with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as walk:
            assert walk.stdout is not None
            try:
                for text in walk.stdout:
                    said.append(text)
                    print(text, end="", flush=True)
            except BaseException:
                # It stops its platform and its console itself, and is waited for.
                walk.terminate()
                raise
    return walk.returncode == 0 and "".join(said).count(f" v{minor}.") >= len(CLUSTERS)


if __name__ == "__main__":
    sys.exit(main())
