"""A reward of one's own in a GRPO run on two nodes: it scores where its file is not.

The reward's first scores, those of the self-test, wait for a file. Meanwhile its own file is removed and the
pool's actor, which Ray starts on any node, is killed until it is on the node beside the head's.
"""

from __future__ import annotations

import json
from contextlib import suppress

import psutil
import pyarrow.parquet as pq
import pytest
from finished_run import begin_at
from killable_run import metrics
from killed_run import TITLES, GrpoRun
from own_cluster import OwnCluster, raylet

from rewards import RewardSample, load_reward_set

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

STEPS, SAMPLES = 2, 2 * 16
OWN = """
import os
import time

import psutil

from rewards import Reward, RewardSample, Score


class NamesKey(Reward):
    name = "names_key"

    def __init__(self, notes: str, until: str) -> None:
        self.notes, self.until = notes, until

    def score(self, sample: RewardSample) -> Score:
        above = psutil.Process().parents()
        if any(process.name() == "raylet" for process in above):  # and not in the check before the run
            while not os.path.exists(self.until):
                time.sleep(0.05)
            with open(self.notes, "a", encoding="utf-8") as file:
                file.write(" ".join([sample.id, *(str(process.pid) for process in above)]) + "\\n")
        return Score.of(3.0 * (sample.gold in sample.response) + len(sample.response) / 1000)
"""


def test_a_reward_of_ones_own_scores_a_run_from_the_node_that_lacks_its_file(finished_run, tmp_path):
    mine, notes, until = tmp_path / "mine", tmp_path / "notes", tmp_path / "until"
    mine.mkdir()
    (mine / "my_rewards.py").write_text(OWN, "utf-8")
    rule = {"reward": "my_rewards:NamesKey", "notes": str(notes), "until": str(until)}
    (mine / "rewards.yaml").write_text(json.dumps(rule), "utf-8")
    own = load_reward_set(mine / "rewards.yaml")
    base = begin_at("grpo", finished_run, tmp_path / "before_grpo")
    with OwnCluster() as cluster:
        settings = f"grpo.reward.config={mine / 'rewards.yaml'}", "grpo.reward.timeout_s=1200"
        run = GrpoRun(base, tmp_path / "run", cluster, STEPS, *settings)
        run.start()
        (other,) = cluster.nodes
        assert run.wait_until(lambda: bool(cluster.processes(TITLES["reward"]))), run.said()
        (mine / "my_rewards.py").unlink()
        assert run.wait_until(lambda: moved(cluster, other)), run.said()
        until.touch()
        assert run.end() == 0, run.said()
        there = str(raylet(other))
    assert not run.fault()
    assert {row["reward/errors"] for row in metrics(run.folder, "grpo")} == {0.0}

    rows = pq.read_table(run.folder / "grpo/rollouts").to_pylist()
    assert len(rows) == SAMPLES
    scored_by = {line.split()[0]: line.split()[1:] for line in notes.read_text("utf-8").splitlines()}
    assert {row["sample_id"] for row in rows} <= scored_by.keys()
    assert all(there in above for above in scored_by.values())
    assert json.loads((run.folder / "grpo/reward.json").read_text("utf-8"))["name"] == "names_key"
    for row in rows:
        asked = RewardSample(id="again", response=row["response"], gold=row["gold"], kind="single")
        assert row["reward"] == pytest.approx(own.score(asked).value)
    assert len({row["reward"] for row in rows}) > 1


def moved(cluster, node):
    """Whether the pool's actor is up on ``node``; it is killed where it is elsewhere, and starts anew."""
    if any(scoring(actor) for actor in cluster.processes(TITLES["reward"], node)):
        return True
    for actor in cluster.processes(TITLES["reward"]):
        if scoring(actor) and actor not in cluster.processes(TITLES["reward"], node):
            with suppress(psutil.NoSuchProcess):
                actor.kill()
    return False


def scoring(actor):
    """Whether it has a process that scores, below its fork server."""
    with suppress(psutil.NoSuchProcess):
        below = actor.children(recursive=True)
        return sum("fork_server" in " ".join(child.cmdline()) for child in below) > 1
    return False
