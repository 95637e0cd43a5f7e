"""``python -m deploy.local up|down|status|reset|build|nodes``: a whole platform from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.local import programs
from deploy.local.node import ability
from deploy.local.plan import CLUSTERS, REAL, ClusterPlan, PlatformError
from deploy.local.platform import Platform, read
from deploy.local.rise import supervise
from deploy.local.toolchain import BuildError


def main() -> int:
    """Run one command; 0 when done, 1 with a sentence on standard error when not."""
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "up":
                return _up(arguments)
            case "down":
                Platform(arguments.state).stop()
            case "reset":
                Platform(arguments.state).reset()
            case "nodes":
                why = ability.prepare(arguments.state, _say)
                _say(
                    "Clusters can have real nodes here." if why is None else f"Clusters have played nodes here: {why}."
                )
            case "build":
                # Those of real nodes too where the tests can use them.
                programs.ensure(_say, node=ability.obstacle(arguments.state) is None)
            case _:
                return _status(arguments.state)
    except (PlatformError, BuildError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _up(arguments: argparse.Namespace) -> int:
    running = read(arguments.state)
    if running is not None and running.supervisor.alive():
        _say(f"The platform in {arguments.state} runs already.")
        return _status(arguments.state)
    if arguments.detach:
        Platform(arguments.state, arguments.cluster or CLUSTERS).start(say=_say, door=arguments.door)
        return _status(arguments.state)
    wanted = arguments.cluster or CLUSTERS
    supervise(arguments.state, wanted, while_pid=arguments.while_pid, say=_say, door=arguments.door)
    return 0


def _status(state: Path) -> int:
    running = read(state)
    if running is None or not running.supervisor.alive():
        _say(f"No platform runs in {state}.")
        return 3
    _say(f"{running.phase}: registry at {running.plan.registry.address}")
    for cluster in running.plan.clusters:
        _say(f"  {cluster.name}: {cluster.endpoint}, kubeconfig {state / cluster.slug / 'admin.kubeconfig'}")
    _say(f"  {sum(process.alive() for process in running.processes.values())} programs, state in {state}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _cluster(text: str) -> ClusterPlan:
    slug, name, nodes = text.split("=")
    return ClusterPlan(slug, name, nodes if nodes == REAL else int(nodes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    verbs = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("up", "start the platform and keep it until Ctrl-C"),
        ("down", "stop it; what it stored stays"),
        ("status", "say what runs"),
        ("reset", "stop it and remove all it stored"),
        ("build", "build the programs only"),
        ("nodes", "say whether clusters can have real nodes, after installing the system's packages for them"),
    ):
        verb = verbs.add_parser(name, help=words)
        verb.add_argument("--state", type=Path, default=Path(".waybill/platform"), help="the folder of the platform")
        if name == "up":
            verb.add_argument("--detach", action="store_true", help="return when it is ready; it goes on")
            verb.add_argument("--while", dest="while_pid", type=int, help="end when the process of this number ends")
            verb.add_argument("--cluster", action="append", type=_cluster, metavar="SLUG=NAME=NODES")
            verb.add_argument("--door", action="store_true", help="lead port 80 of this machine to HTTP routes")
            verb.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
