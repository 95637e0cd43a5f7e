"""Which nodes a demo gets, and the sentence that says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.node import ability
from deploy.local.nodes import choose
from deploy.local.plan import CLUSTERS, ClusterPlan, Plan, PlatformError, load, load_or_make, really
from tests.environment import ROOT

ONE = (ClusterPlan("only", "Only", 1),)


def test_played_nodes_when_they_are_wished_for(tmp_path: Path) -> None:
    said: list[str] = []
    assert choose(tmp_path, "played", say=said.append) == CLUSTERS
    assert said == ["The nodes of the clusters are played: pods come and go as asked, no program runs in them."]


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="nodes are played or real, not many"):
        choose(tmp_path, "many")


def test_what_was_made_stays_as_it_is(tmp_path: Path) -> None:
    load_or_make(tmp_path, ONE)
    said: list[str] = []
    assert choose(tmp_path, None, clusters=ONE, say=said.append) == ONE
    with pytest.raises(PlatformError, match="have played nodes; reset the demo to get real ones"):
        choose(tmp_path, "real", clusters=ONE)


def test_a_wish_for_real_nodes_that_cannot_be_met_says_why() -> None:
    covered = Path("/run/platform")
    if os.geteuid() != 0:
        pytest.skip("says that it needs root first")
    with pytest.raises(PlatformError, match=r"cannot have real nodes: .* under /run"):
        choose(covered, "real")
    said: list[str] = []
    assert choose(covered, None, say=said.append) == CLUSTERS
    words = "The nodes of the clusters are played, no program runs in their pods"
    assert said == [f"{words}: real nodes cannot keep their files under /run."]


def test_nobody_but_root_gets_real_nodes(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from deploy.local.node import ability\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "print(ability.obstacle(Path(sys.argv[1])))"
    )
    line = [sys.executable, "-c", script, str(tmp_path)]
    answer = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "real nodes need root"


def test_a_look_at_this_machine_changes_nothing() -> None:
    before = {path.name for path in Path("/sys/class/net").iterdir()}
    ability.obstacle(Path("/var/tmp/nowhere"))
    assert {path.name for path in Path("/sys/class/net").iterdir()} == before
    assert list(Path("/sys/fs/cgroup").glob("*/waybill-trial-*")) == []


def test_a_plan_with_real_nodes_survives_being_written(tmp_path: Path) -> None:
    made = load_or_make(tmp_path, really(ONE))
    assert load(tmp_path) == made
    assert made.real
    (cluster,) = made.clusters
    assert cluster.endpoint == f"https://10.77.{made.network}.11:6443"
    assert made.registry.address.startswith(f"10.77.{made.network}.1:")


def test_a_plan_from_before_there_were_real_nodes_is_read(tmp_path: Path) -> None:
    old = load_or_make(tmp_path, ONE).to_json()
    del old["network"], old["registry"]["host"]
    for cluster in old["clusters"]:
        for name in ("host", "node_token", "proxy_token", "names_token"):
            del cluster[name]
    read = Plan.from_json(old)
    assert not read.real
    assert read.clusters[0].endpoint.startswith("https://127.0.0.1:")
