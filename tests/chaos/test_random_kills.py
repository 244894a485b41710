"""A run of which any process is killed at any moment ends whole, by itself or by the same command once more.

``scripts/chaos.py --runs N`` does the same for as long as one likes; docs/reliability.md has its figures.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from finished_run import begin_at
from killable_run import REPOSITORY, environment
from killed_run import KINDS, TITLES, GrpoRun, Plan, killed_run
from own_cluster import OwnCluster

from launch.cli.ledger import run_balance

pytestmark = [pytest.mark.timeout(1500)]

SEED = 45
"""Its first six runs have their moments early, so that no run ends before."""
CHANGES, MOST = 20, 3


@pytest.fixture(scope="module")
def cluster():
    with OwnCluster() as made:
        yield made


@pytest.fixture(scope="module")
def before_grpo(finished_run, tmp_path_factory):
    return begin_at("grpo", finished_run, tmp_path_factory.mktemp("chaos") / "before_grpo")


def killed(number, base, folder, cluster):
    outcome = killed_run(Plan.drawn(SEED, number), base, folder, cluster)
    assert not outcome.fault, outcome.told() + outcome.log
    return outcome


@pytest.mark.chaos
@pytest.mark.parametrize("number", range(6))
def test_a_run_of_which_something_is_killed_ends_with_closed_books(number, before_grpo, tmp_path, cluster):
    outcome = killed(number, before_grpo, tmp_path / "run", cluster)
    assert outcome.struck, outcome.told()


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(6, 26))
def test_and_so_do_more_of_them(number, before_grpo, tmp_path, cluster):
    killed(number, before_grpo, tmp_path / "run", cluster)


@pytest.fixture
def slow_rewards(tmp_path):
    """A reward that takes its time until ``release`` is there: runs last as long as things happen to them."""
    rule = {
        "reward": f"{REPOSITORY}/tests/chaos/noted_reward.py:NotedExam",
        "notes": str(tmp_path / "notes"),
        "each_s": 0.5,
        "until": str(tmp_path / "release"),
    }
    (tmp_path / "rewards.yaml").write_text(json.dumps(rule), "utf-8")
    return f"grpo.reward.config={tmp_path / 'rewards.yaml'}"


def scaled(run, cluster, seed, changes):
    """What was asked and answered."""
    done = subprocess.run(
        [sys.executable, "tests/chaos/scaler.py", *map(str, (run.folder, seed, changes, MOST))],
        cwd=REPOSITORY,
        env=environment(RAY_ADDRESS=cluster.address, PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + run.said()
    return [line.split(" ", 1) for line in done.stdout.splitlines()]


def ended_whole(run):
    assert run.end() == 0, run.said()
    assert not run.fault(), run.fault()


@pytest.mark.chaos
def test_a_run_that_is_scaled_twenty_times_ends_with_closed_books(
    before_grpo, tmp_path, cluster, slow_rewards
):
    cluster.settle()
    elastic = f"grpo.rollout_workers={{min: 1, max: {MOST}}}"
    run = GrpoRun(
        before_grpo, tmp_path / "run", cluster, 40, elastic, "grpo.staleness=2", "grpo.ranks=1", slow_rewards
    )
    run.start()
    assert run.wait_until(lambda: run.step >= 1), run.said()
    answers = scaled(run, cluster, SEED, CHANGES)
    (tmp_path / "release").touch()
    assert len(answers) == CHANGES
    for asked, told in answers:
        assert told == f"{asked} workers: {asked} were asked for"
    ended_whole(run)
    assert run_balance(str(run.folder)).line("errored").groups == 0


@pytest.mark.chaos
def test_a_run_loses_a_node_and_gains_another(before_grpo, tmp_path, cluster, slow_rewards):
    cluster.settle()
    elastic = f"grpo.rollout_workers={{min: 1, max: {MOST}}}"
    run = GrpoRun(
        before_grpo, tmp_path / "run", cluster, 30, elastic, "grpo.staleness=1", "grpo.ranks=1", slow_rewards
    )
    run.start()
    assert run.wait_until(lambda: run.step >= 2), run.said()
    (lost,) = cluster.nodes
    ours = [title for title in TITLES.values() if cluster.processes(title, lost)]
    cluster.lose(lost)
    new = cluster.add_node()
    scaled(run, cluster, SEED, 1)
    (tmp_path / "release").touch()
    ended_whole(run)
    events = (run.folder / "events.jsonl").read_text("utf-8")
    noticed = "worker lost" in events or "starts again from its checkpoint" in events
    assert noticed or not set(ours) & {TITLES["rollout"], TITLES["learner"]}
    assert new in cluster.nodes


def test_six_runs_in_a_row_kill_one_of_each_kind():
    for seed in range(3):
        plans = [Plan.drawn(seed, number) for number in range(12)]
        assert {plan.kind for plan in plans[:6]} == {plan.kind for plan in plans[6:]} == set(KINDS)
        assert plans == [Plan.drawn(seed, number) for number in range(12)]
    assert len({Plan.drawn(0, number) for number in range(100)}) > 90
