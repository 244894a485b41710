"""The mission: a run is submitted to a cluster of several nodes, and goes on whatever comes and goes.

``ray job submit`` of all stages with asynchronous GRPO; from other shells its rollout workers are scaled, and
a second job shares its reward pool. The pool is killed, a node is lost, and another one comes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import REPOSITORY, TINY
from job_cluster import JobCluster, SubmittedJob

from launch.cli.ledger import run_balance
from rewards import RewardSample, exam_reward

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STEPS, GROUPS = 40, 4
LR = "grpo.lr=2e-4"
"""Low: forty steps whose rewards are mostly of the form must not unlearn it again."""
OTHERS = 40
"""Samples of the second job: at half a second each a queue of several steps' length."""
LONGEST_S = 900.0
POOL = "shared"


@dataclass
class Mission:
    """What was seen on the way."""

    folder: Path
    scaled: str = ""
    workers: dict = field(default_factory=dict)
    steps_beside: int = 0
    """Steps that the run finished while the second job's one call waited for its end."""
    others: list[float | None] = field(default_factory=list)
    step_at_loss: int = 0
    said: str = ""
    actors: list[dict] = field(default_factory=list)


@pytest.fixture(scope="module")
def mission(tmp_path_factory) -> Mission:
    base = tmp_path_factory.mktemp("mission")
    rewards, notes, found = base / "rewards.yaml", base / "notes", Mission(base / "run")
    rule = {
        "reward": f"{REPOSITORY}/tests/chaos/noted_reward.py:NotedExam",
        "notes": str(base / "scored"),
        "each_s": 0.5,
        "until": str(base / "all is done"),  # so that the run lasts as long as something is done to it
    }
    rewards.write_text(json.dumps(rule), "utf-8")
    with JobCluster(base) as cluster:
        lost = cluster.add_node()
        up = ("rewards", "up", rewards, "--name", POOL, "--workers", 2)
        cluster.psyche_rl(*up, RAY_ADDRESS=cluster.address)
        job = cluster.submit(
            "run", "python", "-m", "launch", "run", TINY, f"run_dir={found.folder}", "grpo.staleness=2",
            f"grpo.max_steps={STEPS}", LR, "grpo.save_every=4", "grpo.eval_every=0", "grpo.failovers=3",
            "grpo.rollout_workers={min: 1, max: 3}", f"grpo.reward.pool={POOL}",
            f"grpo.reward.config={rewards}",
        )  # fmt: skip
        wait_for(job, lambda: step(found.folder) >= 1)
        second = cluster.submit("second", "python", "tests/e2e/pool_sharer.py", POOL, rewards, OTHERS, notes)
        found.scaled = cluster.psyche_rl("scale", found.folder, "--rollouts", 2).strip()

        wait_for(second, notes.exists)
        before = step(found.folder)
        wait_for(job, lambda: step(found.folder) >= before + 2)
        assert not second.over, second.said()
        found.steps_beside = step(found.folder) - before
        for actor in cluster.processes("ray::_PoolActor"):
            actor.kill()
        second.finish(LONGEST_S)
        found.others = json.loads(notes.with_suffix(".json").read_text("utf-8"))

        found.step_at_loss = step(found.folder)
        cluster.lose(lost)
        cluster.add_node()
        wait_for(job, lambda: step(found.folder) >= found.step_at_loss + 2)  # its board, too, is there again
        found.workers = json.loads(cluster.psyche_rl("workers", found.folder, "--json"))
        (base / "all is done").touch()
        found.said = job.finish(LONGEST_S)
        listed = cluster.ray(
            "list", "actors", "--address", cluster.url, "--format", "json", "--limit", "1000", timeout=60
        )
        assert listed.returncode == 0, listed.stderr
        found.actors = json.loads(listed.stdout)
    return found


def step(folder: Path) -> int:
    """The last that the metrics tell of."""
    file = folder / "grpo/metrics.jsonl"
    whole, _, _ = file.read_text("utf-8").rpartition("\n") if file.exists() else ("", "", "")
    return int(json.loads(whole.splitlines()[-1])["step"]) if whole else 0


def wait_for(job: SubmittedJob, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        assert not job.over, job.said()[-9000:]
        assert time.monotonic() < deadline, job.said()[-9000:]
        time.sleep(0.05)


def test_the_run_ends_with_closed_books_and_its_usual_figures(mission):
    stages = json.loads((mission.folder / "manifest.json").read_text("utf-8"))["stages"]
    assert {entry["status"] for entry in stages.values()} == {"done"}
    balance = run_balance(str(mission.folder))
    assert balance.closes, balance.findings
    assert balance.line("trained").groups == STEPS * GROUPS
    assert (balance.line("in flight").groups, balance.line("stale").groups) == (0, 0)
    assert balance.line("errored").samples == 0, "the pool's death cost no sample its score"
    rows = [json.loads(line) for line in (mission.folder / "grpo/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert 0 < max(row["staleness/max"] for row in rows) <= 2
    assert any(row["policy/grad_norm"] > 0 for row in rows)
    report = json.loads((mission.folder / "report" / "report.json").read_text("utf-8"))
    assert list(report["evaluation"]) == ["base", "sft", "grpo"]
    for figures in report["evaluation"].values():
        assert 0 <= figures["strict_accuracy"] <= 1
        assert 0 <= figures["format_rate"] <= 1
        assert figures["n"] == 20
    assert report["evaluation"]["grpo"]["format_rate"] > report["evaluation"]["base"]["format_rate"]


def test_its_workers_are_scaled_from_another_shell(mission):
    assert mission.scaled == "2 workers: 2 were asked for"
    assert mission.workers["wanted"] == 2


def test_the_second_job_shares_the_pool_and_neither_starves(mission):
    assert mission.steps_beside >= 2
    right, wrong = (exam_reward(1.0, 0.5).score(exam(letter)).value for letter in "AB")
    assert right != wrong
    assert mission.others == [right, wrong] * (OTHERS // 2), "all, in order, though the pool was killed"


def exam(letter: str) -> RewardSample:
    """As ``pool_sharer`` makes them."""
    return RewardSample(
        id=letter, response=f"<think>想</think>答案：{letter}", gold="A", kind="single", options=("甲", "乙")
    )


def test_a_node_was_lost_in_the_middle(mission):
    assert 0 < mission.step_at_loss < STEPS


def test_every_stage_worked_in_the_cluster_of_its_job(mission):
    jobs = {actor["job_id"] for actor in mission.actors if actor["class_name"] == "LearnerRank"}
    assert len(jobs) == 1
    ours = {actor["class_name"].split("(")[0] for actor in mission.actors if actor["job_id"] in jobs}
    assert ours >= {"LLMClientActor", "LearnerRank", "RolloutWorker"}
    assert any(
        "SelectorEngine" in actor["class_name"] or "MapWorker" in actor["class_name"]
        for actor in mission.actors
    )
    assert "Started a local Ray instance" not in mission.said
