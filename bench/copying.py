"""Copying an application's images between two registries: beside skopeo, crane and regctl."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.distance import far
from bench.figures import Bar, Sample, in_turn, ratio, table, write
from bench.house import ROOT, alone
from bench.peers import CRANE, REGCTL, peer, release, skopeo
from deploy.local.images import COMPONENTS, push_random, push_sample

MIB = 1024 * 1024
SHARED = (50, 30, 20, 10)
IMAGES = 9
OWN = 4
OURS = "waybill"
ANEW = "waybill, first request"
"""Ours on connections that are opened for it, as after half a minute without any work."""
OWN_SIZE = 340 * MIB // (IMAGES * OWN)
NINE = ("1", "2")
SAMPLE = ("1.0", "2.0")
"""Two releases each of what is copied: nine images of random bytes, and the five of the demo for two processors."""
ROUNDS = 3
FAR = 20
"""Milliseconds there and back."""
HEAVY, LIGHT = 400, 1
"""MiB of the layers whose copies' memory is compared."""


def _own(number: int) -> list[int]:
    """Give the bytes of each layer that an image has alone."""
    return [OWN_SIZE + 1000 * number + part for part in range(OWN)]


@dataclass
class Ground:
    """Two registries and the application in the first one."""

    store: str
    goal: str
    store_files: Path
    goal_files: Path
    releases: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    images: list[tuple[str, str]] = field(default_factory=list)

    def fill(self) -> None:
        """Push nine images: four layers are everybody's, four each image's own; one own layer differs by release."""
        from tests.marketplace.servers import PlainPusher

        pusher = PlainPusher(self.store)
        for turn in NINE:
            self.releases[turn] = images = list(self.releases.get(NINE[0], []))
            for number in range(IMAGES if turn == NINE[0] else 1):
                own = _own(number)
                own[-1] += 7 if turn == NINE[1] else 0
                made = push_random(
                    pusher, f"app/part{number}", turn, [size * MIB for size in SHARED] + own, seed="bench"
                )
                images[number : number + 1] = [(f"app/part{number}", made.digest)]
        for turn in SAMPLE:
            push_sample(pusher, turn)
            names = [f"dev/{component}" for component in COMPONENTS]
            self.releases[turn] = [(name, _digest(pusher.manifest(name, turn).body)) for name in names]
        self.turn(NINE[0])

    def turn(self, release: str) -> None:
        """Let this release be what is copied."""
        self.images = self.releases[release]

    def empty(self) -> None:
        """Throw away what the second registry holds; it looks at its files at every request."""
        for part in ("blobs", "repositories"):
            shutil.rmtree(self.goal_files / "storage/docker/registry/v2" / part, ignore_errors=True)

    def forget(self) -> None:
        """Throw away what was copied inside the first registry; the layers themselves stay."""
        shutil.rmtree(self.store_files / "storage/docker/registry/v2/repositories/lib", ignore_errors=True)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def main() -> None:
    """Measure cold, all there, one layer changed; near, far away and inside one registry; and write it down."""
    alone()
    from tests.marketplace.servers import running_registry

    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name, ExitStack() as keep:
        folder = Path(name)
        store = keep.enter_context(running_registry(folder / "store"))
        goal = keep.enter_context(running_registry(folder / "goal"))
        ground = Ground(store, goal, folder / "store", folder / "goal")
        ground.fill()
        near, sample = _situations(ground, goal, NINE), _situations(ground, goal, SAMPLE)
        distant = keep.enter_context(far(goal, FAR))
        away, sample_away = _situations(ground, distant, NINE), _situations(ground, distant, SAMPLE)
        ground.turn(NINE[0])
        within = in_turn(ROUNDS, {name: _after(ground.forget, take) for name, take in _takes(ground, store).items()})
        limit, sent, moved, memory = _limit(ground), _once(ground), _moved_within(ground), _memory(ground)
    found = Found(near, away, {"cold": within}, sample, sample_away)
    _report(found, limit, memory, sent, moved)


Situations = dict[str, dict[str, Sample]]


@dataclass(frozen=True)
class Found:
    """Seconds of each program, for each situation, by what was copied and how far."""

    near: Situations
    away: Situations
    within: Situations
    sample: Situations
    sample_away: Situations


def _takes(ground: Ground, goal: str) -> dict[str, Callable[[], float]]:
    takes: dict[str, Callable[[], float]] = {
        OURS: lambda: _ours(ground, goal),
        ANEW: lambda: _ours(ground, goal, anew=True),
    }
    crane, regctl, other = peer(CRANE), peer(REGCTL), skopeo()
    takes["crane"] = lambda: _run(
        ground, lambda source, target: [str(crane), "copy", "--insecure", source, target], goal
    )
    takes["regctl"] = lambda: _run(
        ground, lambda source, target: [str(regctl), "image", "copy", source, target], goal, home=ground.goal_files
    )
    if other is not None:
        flags = ["copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
        takes["skopeo"] = lambda: _run(
            ground, lambda source, target: [str(other), *flags, f"docker://{source}", f"docker://{target}"], goal
        )
    return takes


def _situations(ground: Ground, goal: str, releases: tuple[str, str]) -> Situations:
    """Each program in turn: into nothing, then again, then the second release with one layer changed."""
    takes, found = _takes(ground, goal), {}
    first, second = releases
    ground.turn(first)

    found["cold"] = in_turn(
        ROUNDS, {name: _after(ground.empty, take) for name, take in takes.items()}, warm=1 if goal == ground.goal else 0
    )
    found["all there"] = in_turn(ROUNDS, takes)
    changed: dict[str, Sample] = {name: Sample() for name in takes}
    for _ in range(ROUNDS):
        for name, take in takes.items():
            ground.empty()
            ground.turn(first)
            _ours(ground, ground.goal)
            ground.turn(second)
            changed[name].values.append(take())
    found["one layer changed"] = changed
    return found


def _after(clear: Callable[[], None], take: Callable[[], float]) -> Callable[[], float]:
    """Clear, which is not measured, then take."""

    def run() -> float:
        clear()
        return take()

    return run


def _ours(ground: Ground, goal: str, *, anew: bool = False) -> float:
    """Copy as a publication does: look, blobs, manifests, tags, and read back what was put."""
    from marketplace.registry.ends import Wanted
    from marketplace.registry.kept import KEPT
    from tests.marketplace.copying import Run, plain

    wanted = [
        Wanted(path=name, source=plain(ground.store), source_repository=name, repository=f"lib/{name}", digest=digest)
        for name, digest in ground.images
    ]
    if anew:
        KEPT.close()
    began = time.monotonic()
    Run(plain(goal), wanted).whole("1.0")
    return time.monotonic() - began


def _run(ground: Ground, line: Callable[[str, str], list[str]], goal: str, *, home: Path | None = None) -> float:
    """Copy one image after the other with another program."""
    environment = None
    if home is not None:
        (home / "home/.regctl").mkdir(parents=True, exist_ok=True)
        hosts = ",".join(f'"{host}":{{"tls":"disabled","hostname":"{host}"}}' for host in (ground.store, goal))
        (home / "home/.regctl/config.json").write_text(f'{{"hosts":{{{hosts}}}}}')
        environment = {"HOME": str(home / "home"), "PATH": "/usr/bin:/bin"}
    began = time.monotonic()
    for name, digest in ground.images:
        call = line(f"{ground.store}/{name}@{digest}", f"{goal}/lib/{name}:1.0")
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(call)}: {done.stderr[-500:]}")
    return time.monotonic() - began


def _limit(ground: Ground) -> Sample:
    """What the second registry can take: every blob from local files, by curl, one after the other."""
    from tests.marketplace.servers import PlainPusher

    blobs: dict[str, bytes] = {}
    source = PlainPusher(ground.store)
    for name, digest in ground.images:
        manifest = source.manifest(name, digest).body
        for found in _digests(manifest):
            if found not in blobs:
                blobs[found] = source.caller.call("GET", f"/v2/{name}/blobs/{found}").body
    files = {}
    for digest, content in blobs.items():
        files[digest] = ground.goal_files / digest.replace(":", "-")
        files[digest].write_bytes(content)
    blobs.clear()

    def take() -> float:
        ground.empty()
        began = time.monotonic()
        for digest, path in files.items():
            begin = ["curl", "-s", "-X", "POST", "-D", "-", "-o", "/dev/null"]
            address = f"http://{ground.goal}/v2/limit/blobs/uploads/"
            start = subprocess.run([*begin, address], capture_output=True, text=True, check=True).stdout
            place = next(
                row.split(" ", 1)[1].strip() for row in start.splitlines() if row.lower().startswith("location:")
            )
            put = ["curl", "-s", "-f", "-T", str(path), "-H", "Content-Type: application/octet-stream"]
            subprocess.run([*put, f"{place}&digest={digest}"], check=True, capture_output=True)
        return time.monotonic() - began

    return in_turn(ROUNDS, {"curl": take})["curl"]


def _digests(manifest: bytes) -> list[str]:
    told = json.loads(manifest)
    return [told["config"]["digest"], *(layer["digest"] for layer in told["layers"])]


def _unique() -> int:
    """Bytes of all blobs, each counted once."""
    return sum(size * MIB for size in SHARED) + sum(sum(_own(number)) for number in range(IMAGES))


def _once(ground: Ground) -> float:
    """Bytes we sent over the bytes of all blobs, each counted once."""
    from tests.marketplace.servers import Meter

    ground.empty()
    with Meter(ground.goal) as meter:
        _ours(ground, meter.address)
        return meter.up / _unique()


def _moved_within(ground: Ground) -> float:
    """Bytes sent and fetched over the bytes of all blobs, where one registry is both ends."""
    from tests.marketplace.servers import Meter

    ground.forget()
    with Meter(ground.store) as meter:
        ends = replace(ground, store=meter.address)
        _ours(ends, meter.address)
        return (meter.up + meter.down) / _unique()


def _memory(ground: Ground) -> dict[str, Sample]:
    """What a process needs at its peak to copy an image of one layer, heavy or light; MiB."""
    from tests.marketplace.servers import PlainPusher

    ground.empty()
    found = {}
    for size in (HEAVY, LIGHT):
        name = f"memory/layer{size}"
        made = push_random(PlainPusher(ground.store), name, "1", [size * MIB], seed="memory")
        line = [sys.executable, "-m", "bench.memory", ground.store, ground.goal, name, made.digest]
        found[f"{size} MiB"] = sample = Sample()
        for _ in range(ROUNDS):
            ground.empty()
            told = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
            sample.values.append(int(told) / 1024)
    return found


def _best(samples: dict[str, Sample]) -> str:
    return min((name for name in samples if name not in {OURS, ANEW}), key=lambda name: samples[name].median)


def _report(found: Found, limit: Sample, memory: dict[str, Sample], sent: float, moved: float) -> None:
    near, away = found.near, found.away

    def against(samples: dict[str, Sample], name: str | None = None) -> float:
        return ratio(samples[OURS], samples[name or _best(samples)]).median

    bars = [
        Bar("cold ÷ the best of the others", against(near["cold"]), 0.40),
        Bar("cold ÷ curl from local files into the same registry", near["cold"][OURS].median / limit.median, 1.1),
        Bar("all there ÷ crane's whole process", against(near["all there"], "crane"), 1.0),
        Bar("one layer changed ÷ crane's whole process", against(near["one layer changed"], "crane"), 1.0),
        Bar(f"all there, {FAR} ms away ÷ the best", against(away["all there"]), 0.10),
        Bar(f"one layer changed, {FAR} ms away ÷ the best", against(away["one layer changed"]), 0.25),
        Bar("bytes sent ÷ bytes of all blobs, each once", sent, 1.02),
        Bar(
            "inside one registry ÷ between two, cold", ratio(found.within["cold"][OURS], near["cold"][OURS]).median, 0.1
        ),
        Bar("bytes moved inside one registry ÷ bytes of all blobs", moved, 0.001),
        Bar(
            f"memory for a layer of {HEAVY} MiB ÷ for one of {LIGHT} MiB",
            memory[f"{HEAVY} MiB"].median / memory[f"{LIGHT} MiB"].median,
            1.1,
        ),
    ]
    for situation, most in (("cold", 0.40), ("all there", 1.0), ("one layer changed", 1.0)):
        name = None if situation == "cold" else "crane"
        whom = "the best of the others" if name is None else "crane's whole process"
        bars.append(Bar(f"the sample, {situation} ÷ {whom}", against(found.sample[situation], name), most))
    rows = []
    places = {
        "near": near,
        f"{FAR} ms away": away,
        "one registry": found.within,
        "the sample, near": found.sample,
        f"the sample, {FAR} ms away": found.sample_away,
    }
    for place, situations in places.items():
        for situation, samples in situations.items():
            rows += [[f"{situation}, {place}", name, *sample.row(2)] for name, sample in samples.items()]
    rows.append(["limit, near", "curl", *limit.row(2)])
    needed = [[f"copying a layer of {size}", *sample.row()] for size, sample in memory.items()]
    text = (
        f"Nine images, 40 layers of {sum(SHARED) + 340} MB in all, from one registry (distribution v3) to another over "
        f"plain HTTP on loopback. Others: skopeo of the system, crane {release(CRANE)}, regctl {release(REGCTL)}, one "
        f"image after the other, by digest. The sample: the demo's five images for two processors, which share two "
        f"layers; its second release differs in one layer of each. Ours runs inside a process, as in a worker, which "
        f"keeps connections for half a minute; »{ANEW}« opens them anew. Seconds.\n\n"
        "One layer changed takes seven rounds, each of which needs the answer to the one before: the tag is looked at, "
        "the layer looked for, its upload begun, its bytes sent, the manifest put by its digest, the tag set and read "
        f"back. At {FAR} ms these alone are {7 * FAR} ms, a quarter of what the best of the others takes.\n\n"
        + table(["", "program", "least", "median", "p95", "greatest"], rows)
        + "\n\nGreatest resident memory of a process that starts, copies one image and ends; MiB.\n\n"
        + table(["", "least", "median", "p95", "greatest"], needed)
    )
    write("copying", "Copying images", text, bars)
