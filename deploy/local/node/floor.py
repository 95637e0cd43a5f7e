"""What real nodes leave outside of their namespaces, a bridge and control groups: laid, and swept clean."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deploy.local.node.machine import call
from deploy.local.plan import ClusterFacts, Plan, PlatformError, bridge_name, host_address

LINKS = Path("/sys/class/net")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
SIGN = "waybill "
"""How the note on a bridge begins; after it comes the folder of the platform it belongs to."""
CONTROLLERS = ("cpuset", "cpu", "hugetlb", "memory", "pids")
"""What a kubelet looks for in its control group, where the kernel has it."""


def lay(state: Path, plan: Plan) -> None:
    """Make the bridge and the control groups of a platform's real nodes, after sweeping what a killed one left.

    PlatformError when the network belongs to another platform that runs.
    """
    assert plan.network is not None
    for network, owner in _bridges():
        if owner == state or not _runs(owner):
            _remove_groups(network)
            _remove_link(bridge_name(network))
        elif network == plan.network:
            raise PlatformError(f"the platform in {owner} uses the network {host_address(network)}/24; stop it first")
    name, address = bridge_name(plan.network), host_address(plan.network)
    call(
        ["ip", "link", "add", name, "type", "bridge"],
        ["ip", "link", "set", name, "alias", f"{SIGN}{state}"],
        ["ip", "address", "add", f"{address}/24", "dev", name],
        ["ip", "link", "set", name, "up"],
    )
    for cluster in plan.clusters:
        if cluster.real:
            make_group(group_name(plan.network, cluster))


def sweep(state: Path, plan: Plan) -> None:
    """Remove a platform's bridge with its links, what runs in its control groups, and the groups; nothing of others."""
    if plan.network is None or os.geteuid() != 0:
        return
    owners = dict(_bridges())
    for network, owner in owners.items():
        if owner == state:
            _remove_groups(network)
            _remove_link(bridge_name(network))
    if plan.network not in owners:
        _remove_groups(plan.network)


def group_name(network: int, cluster: ClusterFacts) -> str:
    """The control group of a cluster's pods."""
    return f"waybill-{network}-{cluster.number}"


def make_group(name: str) -> None:
    """Make a control group under every controller; PlatformError when the machine does not let us."""
    try:
        for controller in _hierarchies():
            folder = controller / name
            folder.mkdir(exist_ok=True)
            for inherited in ("cpuset.cpus", "cpuset.mems"):
                if (controller / inherited).exists() and (folder / inherited).exists():
                    (folder / inherited).write_text((controller / inherited).read_text())
        if is_unified():
            present = (CONTROL_GROUPS / "cgroup.controllers").read_text().split()
            for wanted in set(CONTROLLERS).intersection(present):
                (CONTROL_GROUPS / "cgroup.subtree_control").write_text(f"+{wanted}")
    except OSError as error:
        raise PlatformError(f"control groups cannot be made: {error}") from error


def remove_group(name: str) -> None:
    """Remove a control group, with whatever still runs in it."""
    for controller in [*_hierarchies(), CONTROL_GROUPS / "unified"]:
        _remove_folder(controller / name)


def is_unified() -> bool:
    """Whether the machine has the one hierarchy of control groups version 2."""
    return (CONTROL_GROUPS / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    if is_unified():
        return [CONTROL_GROUPS]
    return [each for each in sorted(CONTROL_GROUPS.iterdir()) if (each / "tasks").exists() and not each.is_symlink()]


def _bridges() -> Iterator[tuple[int, Path]]:
    """The bridges of all platforms of this machine: the number of the network, the folder of the platform."""
    for link in sorted(LINKS.iterdir()):
        found = re.fullmatch(r"wb(\d+)", link.name)
        if found is None or not (link / "bridge").exists():
            continue
        note = (link / "ifalias").read_text().strip()
        if note.startswith(SIGN):
            yield int(found.group(1)), Path(note.removeprefix(SIGN))


def _runs(state: Path) -> bool:
    """Whether a supervisor holds the folder of a platform."""
    try:
        with (state / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _remove_link(bridge: str) -> None:
    """Remove a bridge and the links of this machine that were plugged into it."""
    for port in sorted(LINKS.glob(f"{bridge}p*")):
        # With its namespace the link goes by itself, at a moment of the kernel's choice.
        with suppress(PlatformError):
            call(["ip", "link", "delete", port.name])
    call(["ip", "link", "delete", bridge])


def _remove_groups(network: int) -> None:
    names = {folder.name for each in _hierarchies() for folder in each.glob(f"waybill-{network}-*")}
    for name in sorted(names):
        remove_group(name)


def _remove_folder(top: Path, *, within: float = 5) -> None:
    end = time.monotonic() + within
    while top.exists():
        folders = [Path(root) for root, _, _ in os.walk(top, topdown=False)]
        for folder in folders:
            _kill_all(folder)
            with suppress(OSError):
                folder.rmdir()
        if top.exists():
            if time.monotonic() > end:
                raise PlatformError(f"the control group {top} does not become empty")
            time.sleep(0.05)


def _kill_all(folder: Path) -> None:
    try:
        numbers = (folder / "cgroup.procs").read_text().split()
    except OSError:
        return
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)
