"""Whether this machine can give clusters real nodes and what is missing; Debian packages are installed if need be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local.node import floor
from deploy.local.node.commands import network_plugins
from deploy.local.node.machine import PATH, call
from deploy.local.plan import PlatformError

Say = Callable[[str], None]

PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
"""The programs of a node that the system brings, and Debian's package of each."""
PLUGINS_PACKAGE = "containernetworking-plugins"
COVERED = (Path("/run"), Path("/var/run"))
"""A platform may not lie here: a machine has its own in this place."""

TRIAL = """set -eu
ip link add trial type bridge
ip link add one type veth peer name other
nft list tables > /dev/null
mount -t tmpfs trial /mnt
"""


def obstacle(state: Path) -> str | None:
    """Why clusters under this folder cannot have real nodes, in one sentence; None when they can.

    Nothing is installed and nothing is changed.
    """
    return _never(state) or _missing_words() or _refused()


def prepare(state: Path, say: Say = print) -> str | None:
    """As ``obstacle``, after installing the system's packages that are missing; it says so."""
    found = _never(state)
    if found is None and missing():
        found = _install(sorted(set(missing().values())), say)
    return found or _missing_words() or _refused()


def missing() -> dict[str, str]:
    """The programs that are not there, and Debian's package of each."""
    absent = {name: package for name, package in PACKAGES.items() if shutil.which(name, path=PATH) is None}
    if network_plugins() is None:
        absent["network plugins"] = PLUGINS_PACKAGE
    return absent


def _never(state: Path) -> str | None:
    """What no package helps against."""
    if sys.platform != "linux":
        return "real nodes run on Linux only"
    if os.geteuid() != 0:
        return "real nodes need root"
    if any(state.resolve().is_relative_to(place) for place in COVERED):
        return f"real nodes cannot keep their files under {COVERED[0]}"
    return None


def _missing_words() -> str | None:
    absent = missing()
    if not absent:
        return None
    packages = ", ".join(sorted(set(absent.values())))
    return f"this machine has no {', '.join(absent)} (Debian packages: {packages})"


def _refused() -> str | None:
    """What this machine does not let even root do, tried in namespaces that are gone at once."""
    name = f"waybill-trial-{os.getpid()}"
    try:
        call(["unshare", "--net", "--mount", "--propagation=private", "--pid", "--fork", "sh", "-c", TRIAL])
        floor.make_group(name)
    except PlatformError as error:
        return f"this machine does not allow real nodes: {error}"
    finally:
        floor.remove_group(name)
    return None


def _install(packages: list[str], say: Say) -> str | None:
    """Install Debian packages and nothing in their place: what would remove another package is refused."""
    apt = shutil.which("apt-get", path=PATH)
    if apt is None:
        return None
    say(f"Installing Debian packages for real nodes, once: {', '.join(packages)}.")
    line = [apt, "install", "--quiet", "--yes", "--no-install-recommends", "--no-remove", *packages]
    failed = _apt(line)
    if failed is not None:
        # The lists of a fresh machine are empty, those of an old one name files that are gone.
        failed = _apt([apt, "update", "--quiet"]) or _apt(line)
    return None if failed is None else f"{', '.join(packages)} could not be installed: {failed}"


def _apt(line: list[str]) -> str | None:
    """Run apt-get; None when it did it, else its last words."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": PATH}
    done = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment)
    if done.returncode == 0:
        return None
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return words[-1] if words else f"apt-get ended with {done.returncode}"
