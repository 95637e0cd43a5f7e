"""Applying an application of 56 objects to a cluster: beside Helm and kubectl, near and 20 ms away."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import eight
from bench.bare import AT_ONCE, Bare
from bench.delivering import PHASES, Console, Delivered, console
from bench.distance import far
from bench.eight import APP, OBJECTS, Cost
from bench.figures import Bar, Sample, ratio, table, write
from bench.house import house
from bench.peers import HELM, KUBECTL, peer
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.command import kubeconfig
from deploy.local.plan import ClusterPlan
from deploy.local.platform import Platform

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FAR = 20
"""Milliseconds there and back."""
DOINGS = ("install", "upgrade", "rollback")
BARS = {"install": 0.25, "upgrade": 0.08, "rollback": 0.08}
AGAINST_KUBECTL = 0.18

Costs = dict[str, Cost]


@dataclass
class Found:
    """What one place's rounds gave: seconds by doing and program; the console's phases; its plan;
    the same objects sent bare."""

    wall: dict[str, dict[str, Sample]] = field(default_factory=dict)
    processor: dict[str, dict[str, Sample]] = field(default_factory=dict)
    phases: dict[str, list[dict[str, tuple[float, int]]]] = field(default_factory=dict)
    plan: Sample = field(default_factory=Sample)
    bare: Sample = field(default_factory=Sample)
    bare_apply: Sample = field(default_factory=Sample)

    def note(self, program: str, costs: Costs) -> None:
        """Add one round of one program."""
        for doing, cost in costs.items():
            self.wall.setdefault(doing, {}).setdefault(program, Sample()).values.append(cost.wall)
            self.processor.setdefault(doing, {}).setdefault(program, Sample()).values.append(cost.processor)


def main() -> None:
    """Measure install, upgrade of one image and rollback, in turn, and write it down."""
    programs = {"helm": peer(HELM), "kubectl": _kubectl()}
    with house() as ours, ExitStack() as keep:
        import django

        django.setup()
        real = keep.enter_context(_cluster())
        eight.furnish(real)
        mine = console(ours, real)
        folder = Path(keep.enter_context(tempfile.TemporaryDirectory(prefix="waybill-bench-")))
        address = f"{real.facts.host}:{real.facts.port}"
        places = {"far": keep.enter_context(far(address, FAR)), "near": address}
        manifests = _manifests(mine)
        found = {name: _place(mine, real, where, folder, programs, manifests) for name, where in places.items()}
    _report(found, {name: _release(program) for name, program in programs.items()})


def _kubectl() -> Path:
    """Give the kubectl that BENCH_KUBECTL names, or build the one of the recipe."""
    named = os.environ.get("BENCH_KUBECTL")
    return Path(named) if named else peer(KUBECTL)


def _release(program: Path) -> str:
    """Ask a program which release it is."""
    line = [str(program), "version", *(["--client"] if program.name.startswith("kubectl") else ["--short"])]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env={"HOME": "/nonexistent"})
    found = re.search(r"v\d+(\.\d+)+", done.stdout)
    return found[0] if found else "of unknown release"


@contextmanager
def _cluster() -> Iterator[LocalCluster]:
    """Give a real API server with controllers and scheduler, its nodes and pods played; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as state:
        platform = Platform(state, [ClusterPlan("bench", "Bench")]).start(while_pid=os.getpid())
        try:
            yield next(iter(platform.clusters.values()))
        finally:
            platform.stop()


def _manifests(mine: Console) -> dict[str, list[dict[str, Any]]]:
    """Give the objects of both versions as the console applies them: what the others apply too."""
    from clusters.models import Revision

    mine.install()
    mine.upgrade()
    found = {}
    for revision in Revision.objects.order_by("number"):
        found[str(revision.number)] = [entry["manifest"] for entry in revision.content()["manifests"]]
    mine.remove()
    if [len(objects) for objects in found.values()] != [OBJECTS, OBJECTS]:
        raise RuntimeError(f"{[len(objects) for objects in found.values()]} objects instead of {OBJECTS}")
    return found


def _place(
    mine: Console,
    real: LocalCluster,
    address: str,
    folder: Path,
    programs: dict[str, Path],
    manifests: dict[str, list[dict[str, Any]]],
) -> Found:
    """Give the figures of all programs, in turn, with the cluster at an address. The first round is not counted."""
    endpoint = f"https://{address}"
    mine.reach(endpoint)
    access = folder / "kubeconfig"
    access.write_text(kubeconfig(endpoint, real.ca_pem, real.admin_token, name="bench"))
    helm = Helm(programs["helm"], folder, real, manifests)
    kubectl = Kubectl(programs["kubectl"], folder, real, manifests)
    bare = Bare(real, address, manifests["1"])
    found = Found()
    for number in range(1 + ROUNDS):
        plan = mine.plan()
        done = {"install": mine.install(), "upgrade": mine.upgrade(), "rollback": mine.roll_back()}
        mine.remove()
        rounds = {"waybill": {doing: one.cost for doing, one in done.items()}}
        rounds |= {"helm": helm.round(), "kubectl": kubectl.round()}
        whole, apply = bare.round()
        if number:
            found.plan.values.append(plan)
            found.bare.values.append(whole)
            found.bare_apply.values.append(apply)
            _keep_phases(found, done)
            for program, costs in rounds.items():
                found.note(program, costs)
        print(f"{address} {number}: {_said(rounds)}; bare {whole:.3f}, apply alone {apply:.3f}", flush=True)
    return found


def _keep_phases(found: Found, done: dict[str, Delivered]) -> None:
    for doing, one in done.items():
        found.phases.setdefault(doing, []).append(one.phases)


def _said(rounds: dict[str, Costs]) -> str:
    parts = [
        f"{program} " + " ".join(f"{doing} {cost.wall:.3f}/{cost.processor:.2f}" for doing, cost in costs.items())
        for program, costs in rounds.items()
    ]
    return "; ".join(parts)


# --- The others ------------------------------------------------------------------------------------------------------


class Peer:
    """A program that applies the same objects to a namespace of its own."""

    name = ""

    def __init__(
        self, program: Path, folder: Path, real: LocalCluster, manifests: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.program = program
        self.real = real
        self.namespace = f"bench-{self.name}"
        self.folder = folder / self.name
        self.folder.mkdir(exist_ok=True)
        self.environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "KUBECONFIG": str(folder / "kubeconfig")}
        real.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.write(manifests)

    def write(self, manifests: dict[str, list[dict[str, Any]]]) -> None:
        """Write what is applied, as the program wants it."""
        raise NotImplementedError

    def lines(self) -> dict[str, list[str]]:
        """Give the command of each doing."""
        raise NotImplementedError

    def clear(self) -> list[str]:
        """Give the command that takes everything away."""
        raise NotImplementedError

    def moved(self, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the objects in the peer's own namespace."""
        return [{**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in objects]

    def round(self) -> Costs:
        """Do all doings, each once the former one stands; then take everything away."""
        costs = {}
        for doing, line in self.lines().items():
            costs[doing] = self._run(line)
            eight.until(lambda: eight.stands(self.real, self.namespace), f"{self.name}'s application standing")
        self._run(self.clear())
        eight.until(lambda: eight.is_empty(self.real, self.namespace), f"the end of {self.name}'s pods and claims")
        return costs

    def _run(self, line: list[str]) -> Cost:
        used, began = _children(), time.monotonic()
        call = [str(self.program), *line]
        done = subprocess.run(call, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)
        cost = Cost(time.monotonic() - began, _children() - used)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(call)}: {done.stderr[-500:]}")
        return cost


def _children() -> float:
    """Give the processor seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Helm(Peer):
    """Helm 4: a chart of one file an object, the first image from its values."""

    name = "helm"

    def write(self, manifests: dict[str, list[dict[str, Any]]]) -> None:
        templates = self.folder / "chart/templates"
        templates.mkdir(parents=True, exist_ok=True)
        (self.folder / "chart/Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
        images = {version: _image(objects) for version, objects in manifests.items()}
        for version, image in images.items():
            (self.folder / f"{version}.yaml").write_text(json.dumps({"image": image}))
        for number, one in enumerate(self.moved(manifests["1"])):
            text = json.dumps(one, indent=1).replace(images["1"], "{{ .Values.image }}")
            (templates / f"{number:02}.yaml").write_text(text)

    def lines(self) -> dict[str, list[str]]:
        where = ["-n", self.namespace]
        return {
            "install": ["install", APP, "chart", "-f", "1.yaml", *where],
            "upgrade": ["upgrade", APP, "chart", "-f", "2.yaml", *where],
            "rollback": ["rollback", APP, "1", *where],
        }

    def clear(self) -> list[str]:
        return ["uninstall", APP, "-n", self.namespace, "--wait"]


class Kubectl(Peer):
    """kubectl apply --server-side: one file of all objects for each version."""

    name = "kubectl"

    def write(self, manifests: dict[str, list[dict[str, Any]]]) -> None:
        for version, objects in manifests.items():
            text = "\n---\n".join(json.dumps(one, indent=1) for one in self.moved(objects))
            (self.folder / f"{version}.yaml").write_text(text)

    def lines(self) -> dict[str, list[str]]:
        files = {"install": "1.yaml", "upgrade": "2.yaml", "rollback": "1.yaml"}
        return {doing: ["apply", "--server-side", "-f", file] for doing, file in files.items()}

    def clear(self) -> list[str]:
        return ["delete", "-f", "1.yaml", "--wait=true"]


def _image(objects: list[dict[str, Any]]) -> str:
    """Give the image in which the versions differ: that of the first component."""
    first = next(one for one in objects if one["kind"] == "Deployment" and one["metadata"]["name"].endswith("part0"))
    image: str = first["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


# --- Telling ---------------------------------------------------------------------------------------------------------


def _report(found: dict[str, Found], releases: dict[str, str]) -> None:
    """Write the section."""
    away = found["far"]
    bars = []
    for doing in DOINGS:
        walls = away.wall[doing]
        bars.append(Bar(f"{doing} ÷ Helm 4, {FAR} ms away", ratio(walls["waybill"], walls["helm"]).median, BARS[doing]))
    for doing in DOINGS:
        walls = away.wall[doing]
        name = f"{doing} ÷ kubectl apply --server-side, {FAR} ms away"
        bars.append(Bar(name, ratio(walls["waybill"], walls["kubectl"]).median, AGAINST_KUBECTL))
    applied = Sample([sum(one[name][0] for name in ("base", "workloads")) for one in away.phases["install"]])
    bars.append(
        Bar(f"applying alone ÷ the same objects sent bare, {FAR} ms away", ratio(applied, away.bare_apply).median, 1.1)
    )
    rows, named = [], {"near": "near", "far": f"{FAR} ms away"}
    for place, one in found.items():
        for doing in DOINGS:
            for program, sample in one.wall[doing].items():
                used = f"{one.processor[doing][program].median:.2f}"
                rows.append([f"{doing}, {named[place]}", program, *sample.row(2), used])
        rows.append([f"plan of the installation, {named[place]}", "waybill", *one.plan.row(2), ""])
        rows.append([f"dry run and apply, {named[place]}", "bare", *one.bare.row(2), ""])
        rows.append([f"apply alone, {named[place]}", "bare", *one.bare_apply.row(2), ""])
    text = (
        f"{eight.COMPONENTS} components of seven objects each, {OBJECTS} in all, on a real API server with controllers "
        "and played nodes; upgrade and rollback change one image. Ours: through gunicorn and a worker's engine, from "
        "where the request leaves until the last object's answer is there; check, LISTs, dry run of everything "
        "that is sent, a Pod of each workload, quota, record, inventory and the guard before each write included. "
        f"Others: the whole process, without waiting for pods; Helm {releases['helm']}, kubectl {releases['kubectl']}. "
        f"In turn, {ROUNDS} rounds after one that is not counted, each doing once the former stands. Seconds; "
        "processor time is that of web and worker, or of the process. Bare: the same objects by nothing but PATCH over "
        f"{AT_ONCE} kept connections of one process, first as a dry run of everything, then applied in two waves: "
        "below that nothing can go that asks before it changes anything.\n\n"
    )
    text += table(["", "program", "least", "median", "p95", "greatest", "processor"], rows)
    text += f"\n\nWhere ours goes, {FAR} ms away: median milliseconds, and requests to the cluster.\n\n"
    text += table(["", *PHASES], [[doing, *_phases(away.phases[doing])] for doing in DOINGS])
    write("applying", "Applying to a cluster", text, bars)


def _phases(rounds: list[dict[str, tuple[float, int]]]) -> list[str]:
    found = []
    for name in PHASES:
        seconds = Sample([one[name][0] for one in rounds])
        requests = Sample([one[name][1] for one in rounds])
        found.append(f"{1000 * seconds.median:.0f} ({requests.median:.0f})")
    return found
