"""The namespaces of one cluster, the way into them, and the bridge between them and this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.plan import ClusterFacts, PlatformError, bridge_name, host_address, pod_range

INSIDE = Path("/run/node")
"""The cluster's folder as the programs of its node see it."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPEN = "machine-open"
"""The file in a cluster's folder that says that its namespaces are furnished."""

# The kubelet sets these for the whole kernel where they differ. Here it finds them as it wants them, in files that
# lie over the real ones, and this machine keeps its own.
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}

SCRIPT = """set -eu
folder=$1 programs=$2 pause=$3; shift 3
mount -n -t proc proc /proc
mkdir -p "$folder/run" "$folder/lib" "$folder/log"
mount -n -t tmpfs -o mode=755 machine "$folder/run"
cd "$folder/run"
mkdir node programs sysctls
mount -n --bind "$folder" node
mount -n --bind "$programs" programs
cp "$pause" pause
mount -n --move . /run
cd /run
mount -n --bind node/lib /var/lib
mount -n --bind node/log /var/log
for wanted; do
  name=${wanted%%=*} value=${wanted#*=}
  [ "$(cat "/proc/sys/$name")" != "$value" ] || continue
  file=sysctls/$(echo "$name" | tr / .)
  echo "$value" > "$file"
  mount -n --bind "$file" "/proc/sys/$name"
done
: > node/OPEN
exec ./pause machine
""".replace("OPEN", OPEN)

NETWORK_SCRIPT = """set -eu
address=$1 gateway=$2 pods=$3
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up
ip route add default via "$gateway"
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<RULES
table ip leaving {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr $pods ip daddr != $pods oifname eth0 masquerade
  }
}
RULES
"""


@dataclass(frozen=True)
class Machine:
    """The machine of one cluster: its folder of the platform, its network."""

    folder: Path
    cluster: ClusterFacts
    network: int

    def line(self, programs: Path, pause: Path) -> list[str]:
        """Give the command line of its first process; it needs root, and everything in it ends with that process."""
        line = ["unshare", "--net", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL"]
        arguments = [str(self.folder), str(programs), str(pause), *(f"{k}={v}" for k, v in SYSCTLS.items())]
        return [*line, "sh", "-c", SCRIPT, "machine", *arguments]

    @property
    def _namespaces(self) -> Path:
        """A link to the namespaces of the first process, made anew with each start."""
        return self.folder / "namespaces"

    def in_network(self, line: Sequence[str]) -> list[str]:
        """Run a command in its network, with the files and processes of this machine."""
        return ["nsenter", f"--net={self._namespaces}/net", "--", *line]

    def inside(self, line: Sequence[str]) -> list[str]:
        """Run a command wholly inside; what is started is the parent of the command."""
        names = {"net": "net", "mount": "mnt", "pid": "pid_for_children"}
        enter = ["nsenter", *(f"--{kind}={self._namespaces}/{name}" for kind, name in names.items())]
        return [*enter, "--", "sh", "-c", 'cd / && exec "$0" "$@"', *line]

    def forget(self) -> None:
        """Forget the namespaces of an earlier start."""
        (self.folder / OPEN).unlink(missing_ok=True)
        self._namespaces.unlink(missing_ok=True)

    def is_open(self) -> bool:
        """Whether the first process furnished the namespaces."""
        return (self.folder / OPEN).exists()

    def connect(self, pid: int) -> None:
        """Plug the open machine, by the process ``pid`` that holds its namespaces, into the bridge."""
        self._namespaces.symlink_to(f"/proc/{pid}/ns")
        call(
            ["ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(pid)],
            ["ip", "link", "set", self.port, "master", bridge_name(self.network), "up"],
        )
        arguments = [self.cluster.host, host_address(self.network), pod_range(self.cluster.number)]
        call(self.in_network(["sh", "-c", NETWORK_SCRIPT, "network", *arguments]))

    @property
    def port(self) -> str:
        """The link of this machine that leads into it."""
        return f"{bridge_name(self.network)}p{self.cluster.number}"

    def link(self, *, up: bool) -> None:
        """Pull the plug, or put it in again."""
        call(["ip", "link", "set", self.port, "up" if up else "down"])


def call(*lines: Sequence[str]) -> str:
    """Run short commands one after the other, give what the last one printed; PlatformError when one fails."""
    answer = ""
    for line in lines:
        program = shutil.which(line[0], path=PATH)
        if program is None:
            raise PlatformError(f"this machine has no program {line[0]}")
        done = subprocess.run(
            [program, *line[1:]],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": PATH},
        )
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise PlatformError(f"{' '.join(line[:6])}: {words[-1] if words else f'exit status {done.returncode}'}")
        answer = done.stdout
    return answer
