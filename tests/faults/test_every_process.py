"""Every process there is, killed at random under twenty operations at once: web, worker, Valkey, PostgreSQL, API
server, etcd, registry, and where nodes are real kubelet and containerd. All that was asked for ends well, once.

Runs with `make faults` only, on a console and a platform of its own: starting these alone costs a minute of processor.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from deploy.local.cluster import Cluster
from deploy.local.node import ability
from deploy.local.node.volumes import folder_of
from deploy.local.plan import ClusterPlan, really
from deploy.local.platform import Platform
from tests.faults.crowd import BUILD, FIELD, LOGIN, Crowd, gather, until_it_rests
from tests.faults.proofs import Tally, percentile
from tests.faults.recovery import Kill, Watch, by_kind
from tests.faults.size import dice, size
from tests.faults.town import Target, Town

KILLS = size(24, 300)
BAR = 15.0
"""Seconds from a kill to the next step, for 99 of 100 kills."""
TWICE = 0.2
"""So often a second one is killed within two seconds."""
STUCK = 90.0
"""Seconds after which work that nobody took up again is called stuck."""
CLUSTERS = (ClusterPlan("build", "Build"), ClusterPlan("field", "Field"))
MARK = "still here"
NAMESPACES = {"build": f"town-{BUILD}", "field": f"town-{FIELD}"}
pytestmark = [pytest.mark.timeout(size(1500, 4 * 3600)), pytest.mark.apart]


@dataclass
class Scene:
    """A town, its crowd, and who watches the rows."""

    town: Town
    crowd: Crowd
    watch: Watch

    def verdict(self) -> list[str]:
        """What is wrong, by rows, clusters, audit logs and registry."""
        wishes = [[wish.key, wish.operation, wish.kind, wish.app] for wish in self.crowd.asker.wishes]
        asked = {"state": str(self.town.platform.state), "login": LOGIN, "wishes": wishes}
        said = self.town.command(input=json.dumps(asked), module="tests.faults.verdict")
        found: list[str] = json.loads(said.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """All of it, started and furnished; with real nodes where this machine allows them."""
    folder = Path(tempfile.mkdtemp(prefix="waybill-town-"))
    folder.chmod(0o711)
    plans = really(CLUSTERS) if ability.obstacle(folder / "platform") is None else CLUSTERS
    platform = Platform(folder / "platform", plans).start(while_pid=os.getpid())
    town = Town(folder, platform)
    try:
        town.start()
        yield Scene(town, gather(town), Watch(town))
    finally:
        town.stop()
        platform.reset()
        if "TESTS_KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.proof("R2")
def test_every_process_killed_at_random_under_load(scene: Scene, tally: Tally) -> None:
    roll, town = dice("R2 every process"), scene.town
    scene.crowd.begin()
    town.until(lambda: len(claims(town)) >= 5, "the volumes of those who keep them", seconds=300)
    before = mark(town)
    began = time.monotonic()
    kills = storm(scene, roll, KILLS)
    took = until_it_rests(town, scene.crowd, seconds=600)
    done = Counter(wish.kind for wish in scene.crowd.asker.wishes)
    report(scene, kills, f"{time.monotonic() - began:.0f} s, the last {took:.0f} s without kills; {dict(done)}")
    assert scene.crowd.broken == []
    assert scene.verdict() == []
    assert {name: uid for name, (uid, _) in claims(town).items() if name in before} == before
    assert marked(town, before) == sorted(before)
    assert set(done) == {"deploy", "publish", "install", "upgrade", "rollback", "uninstall"}
    seconds = [kill.seconds for kill in kills]
    tally.runs(len(kills))
    tally.recovered(seconds)
    assert percentile(seconds, 0.99) <= BAR, by_kind(kills)


@pytest.mark.control("R2")
def test_control_workers_that_wait_for_the_dead_leave_work_behind(scene: Scene) -> None:
    """And the judge sees what is wrong: an object that somebody changed, an operation that nobody wished for."""
    town, crowd = scene.town, scene.crowd
    assert scene.verdict() == []
    for number in range(2):
        town.end_child(f"worker-{number}")
        town.add_worker(f"worker-{number}", "expiry")
    crowd.begin(1)
    (target,) = [one for one in town.targets(dice("control")) if one.name == "worker-0"]
    other = next(one for one in town.targets(dice("control")) if one.name == "worker-1")
    while not (held := [one for one in (target, other) if scene.watch.under_way(one)]):
        pause(town, 0.05)
    kill = scene.watch.kill(held[0])
    with pytest.raises(AssertionError, match="went on"):
        town.until(lambda: scene.watch.is_over(kill), "what went on", seconds=25)
    (operation,) = kill.under_way
    assert f"op-{operation} (deploy) is running: None {{}}" in scene.verdict()
    for number in range(2):
        town.end_child(f"worker-{number}")
        town.add_worker(f"worker-{number}")
    until_it_rests(town, crowd, seconds=120)
    assert scene.verdict() == []
    path = f"/apis/apps/v1/namespaces/{NAMESPACES['build']}/deployments/goods-source-web"
    cluster = town.platform.clusters["build"]
    cluster.patch(path, {"spec": {"replicas": 2}})
    kept = crowd.asker.wishes.pop()
    found = scene.verdict()
    crowd.asker.wishes.append(kept)
    cluster.patch(path, {"spec": {"replicas": 1}})
    assert sorted(found) == [
        "goods-source: Deployment/goods-source-web .spec.replicas is 2, not 1",
        f"{kept.operation} runs and nobody was told of it",
    ]


# --- The storm -------------------------------------------------------------------------------------------------------


def storm(scene: Scene, roll: random.Random, count: int) -> list[Kill]:
    """Kill so often; now and then the next one while the last one's work still lies there."""
    town, watch = scene.town, scene.watch
    targets = town.targets(roll)
    kinds = sorted({target.kind for target in targets})
    kills: list[Kill] = []
    while len(kills) < count and not scene.crowd.broken:
        wave: list[Kill] = []
        for _ in range(2 if roll.random() < TWICE else 1):
            target = draw(targets, roll, roll.choice(kinds), wave)
            pause(town, roll.uniform(0, 2))
            strike(town, watch, target, wave)
        try:
            town.until(lambda wave=wave: all(map(watch.is_over, wave)), "all went on", seconds=STUCK)  # type: ignore[misc]
        except AssertionError as error:
            raise AssertionError(f"{error}: {'; '.join(map(str, wave))}") from None
        kills += wave
        print(
            f"{len(kills):>4}  {'; '.join(map(str, wave))}; all after {max(kill.seconds for kill in wave):.1f} s",
            flush=True,
        )
        pause(town, roll.uniform(0, 2))
    return kills


def strike(town: Town, watch: Watch, target: Target, wave: list[Kill]) -> None:
    """Kill it once there is something to disturb."""
    town.until(lambda: can_be_seen(watch, target, wave), f"work to disturb at {target.name}", seconds=STUCK)
    wave.append(watch.kill(target))


def draw(targets: list[Target], roll: random.Random, kind: str, wave: list[Kill]) -> Target:
    """Draw one of this kind, but nothing behind a door that is down already."""
    down = {kill.target.door for kill in wave}
    own = [target for target in targets if target.kind == kind]
    free = [target for target in own if target.door not in down]
    return roll.choice(free or [target for target in targets if target.door not in down])


def can_be_seen(watch: Watch, target: Target, wave: list[Kill]) -> bool:
    """Whether the rows can be read now and there is something to disturb; within a wave nobody waits for that."""
    try:
        return bool(watch.under_way(target)) or bool(wave) or target.kind == "registry"
    except psycopg.OperationalError:
        return False


def pause(town: Town, seconds: float) -> None:
    """Let so many seconds pass: the moment of a kill is the dice's."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        town.tend()
        time.sleep(0.05)


def report(scene: Scene, kills: list[Kill], words: str) -> None:
    """Say what was done; pytest shows it with -s or when the proof fails."""
    print(f"\n{len(kills)} kills, {len(scene.crowd.asker.wishes)} operations in {words}")
    print("\n".join(by_kind(kills)))
    print(f"answers: {dict(scene.crowd.asker.answers)}")


# --- Volumes ---------------------------------------------------------------------------------------------------------


def claims(town: Town) -> dict[str, tuple[str, Path]]:
    """The claims that are bound, with their uid and the folder of their volume."""
    found = {}
    for slug, cluster in town.platform.clusters.items():
        for item in cluster.get(f"/api/v1/namespaces/{NAMESPACES[slug]}/persistentvolumeclaims")["items"]:
            if item["status"].get("phase") == "Bound":
                name = f"{slug}/{item['metadata']['name']}"
                found[name] = (item["metadata"]["uid"], volume_of(cluster, item))
    return found


def volume_of(cluster: Cluster, claim: dict[str, dict[str, str]]) -> Path:
    """Where the files of a claim lie on this machine, where nodes are real."""
    return folder_of(cluster, claim["spec"]["volumeName"])


def mark(town: Town) -> dict[str, str]:
    """Lay something into every volume; gives the claims by uid."""
    there = claims(town)
    for name, (_, folder) in there.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mark").write_text(f"{MARK} {name}")
    return {name: uid for name, (uid, _) in there.items()}


def marked(town: Town, before: dict[str, str]) -> list[str]:
    """The claims in whose volumes it still lies."""
    there = claims(town)
    return sorted(
        name
        for name in before
        if name in there
        and (there[name][1] / "mark").exists()
        and (there[name][1] / "mark").read_text() == f"{MARK} {name}"
    )
