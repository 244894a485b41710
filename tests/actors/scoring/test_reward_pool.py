"""The reward pool on real Ray; what becomes of bad samples is in ``test_process_pool``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from reward_rogues import Obedient, noted, samples, worth

from psyche_rl.errors import ConfigError, RemoteWaitError
from rewards import RewardSample, Score, exam_reward


@pytest.fixture
def pool(ray_local):
    from actors.scoring.pool import RewardPool

    opened = []

    def opens(reward, **options):
        opened.append(RewardPool(reward, **options))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def test_scores_are_those_of_the_reward_in_the_order_given(pool):
    reward = exam_reward(1.0, 0.5)
    batch = [
        RewardSample(
            id=str(i),
            response="<think>x</think>答案：B" if i % 2 else "答案：A",
            gold="B",
            kind="single",
            options=("一", "二"),
        )
        for i in range(150)
    ]
    scoring = pool(reward, workers=2)
    assert scoring.score(batch, version=3) == [reward.score(s) for s in batch]
    assert scoring.score([], version=3) == []
    assert scoring.score(batch[:1], version=4) == [reward.score(batch[0])]


@pytest.mark.slow
def test_a_reward_of_a_script_travels_by_value(pool):
    from rewards import Reward

    class Own(Reward):
        name = "own"

        def score(self, sample):
            return Score.of(float(sample.id) * 2)

    Own.__module__ = "__main__"
    assert pool(Own()).score(samples(3)) == [Score.of(2.0 * i) for i in range(3)]


def test_bad_samples_cost_themselves_only(pool):
    scoring = pool(Obedient(), workers=2, timeout_s=2.0)
    scores = scoring.score(samples(12, _3="die", _5="hang", _7="raise"), version=1)
    assert {i: s.error.kind for i, s in enumerate(scores) if s.error} == {
        3: "scorer_exception", 5: "timeout", 7: "scorer_exception",
    }  # fmt: skip
    assert [scores[i] for i in (0, 1, 2, 4, 6, 8)] == [Score.of(float(i)) for i in (0, 1, 2, 4, 6, 8)]
    assert scoring.status().processes.work.timeouts == 1


@pytest.mark.slow
def test_workers_that_are_killed_lose_nothing_and_cost_one_try_each(pool, tmp_path):
    notes = tmp_path / "notes"
    scoring = pool(Obedient(str(notes), each_s=0.02), workers=2)
    scoring.ready()
    done: list[list[Score]] = []
    thread = threading.Thread(target=lambda: done.append(scoring.score(samples(150), version=0)))
    thread.start()
    for _ in range(3):
        time.sleep(0.2)
        os.kill(scoring.status().processes.pids[0], signal.SIGKILL)
    thread.join(60)
    assert done == [[worth(s) for s in samples(150)]]
    work = scoring.status().processes.work
    assert (work.deaths, work.scored) == (3, 150)
    assert set(noted(notes)) == {s.id for s in samples(150)}
    assert len(noted(notes)) <= 150 + work.deaths  # killed between its note and its answer


@pytest.mark.slow
def test_an_actor_that_is_killed_is_started_again_and_the_call_is_answered(pool, tmp_path):
    scoring = pool(Obedient(each_s=0.02), workers=2)
    scoring.ready()
    server = psutil.Process(scoring.status().processes.pids[0]).parent()
    done: list[list[Score]] = []
    thread = threading.Thread(target=lambda: done.append(scoring.score(samples(100), version=0)))
    thread.start()
    time.sleep(0.3)
    server.parent().kill()
    thread.join(120)
    assert done == [[worth(s) for s in samples(100)]]
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_a_pool_that_was_ended_says_so(pool):
    scoring = pool(Obedient())
    scoring.ready()
    scoring.close()
    with pytest.raises(RemoteWaitError, match="reward pool of this run in phase 'score' at weight version 4"):
        scoring.score(samples(2), version=4)


@pytest.mark.slow
def test_a_named_pool_is_attached_to_by_fingerprint_only(ray_local):
    from actors.scoring import named_pools

    reward = Obedient()
    assert named_pools.names() == []
    up = named_pools.start("exam", reward, workers=1, timeout_s=5.0)
    try:
        assert (up.fingerprint, up.workers, up.timeout_s) == (reward.fingerprint(), 1, 5.0)
        assert named_pools.names() == ["exam"]
        again = named_pools.start("exam", reward, workers=3)
        assert again.processes.pids == up.processes.pids
        client = named_pools.attach("exam", reward.fingerprint())
        assert client.score(samples(3), version=0) == [worth(s) for s in samples(3)]
        client.close()
        assert named_pools.names() == ["exam"]
        with pytest.raises(ConfigError, match=f"fingerprint {reward.fingerprint()}, but 0123 is wanted"):
            named_pools.attach("exam", "0123")
        with pytest.raises(ConfigError, match="is wanted"):
            named_pools.start("exam", Obedient(each_s=1.0))
        with pytest.raises(ConfigError, match=r"no reward pool 'law' in this cluster \(there: exam\)"):
            named_pools.attach("law", "0123")
    finally:
        named_pools.end("exam")
    with pytest.raises(ConfigError, match="no reward pool 'exam'"):
        named_pools.end("exam")


JOB = """
import sys
import ray
from reward_rogues import Obedient, samples
from actors.scoring import named_pools
from actors.cluster import connect

connect()
name, count = sys.argv[1], int(sys.argv[2])
reward = Obedient(each_s=0.005)
status = named_pools.start(name, reward, workers=2) if count == 0 else None
if count:
    pool = named_pools.attach(name, reward.fingerprint())
    scores = pool.score(samples(count), version=0)
    assert [s.value for s in scores] == [float(i) for i in range(count)]
    print("SCORED", count, flush=True)
else:
    print("PIDS", *status.processes.pids, flush=True)
"""


@pytest.mark.slow
def test_two_jobs_share_one_named_pool_that_outlives_the_job_that_started_it(ray_local):
    import subprocess

    import ray

    from actors.scoring import named_pools

    root = Path(__file__).parents[3]
    env = {
        **os.environ,
        "RAY_ADDRESS": ray.get_runtime_context().gcs_address,
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests" / "fakes")]),
    }

    def job(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", JOB, *map(str, arguments)]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)

    def said(process: subprocess.Popen[str]) -> list[str]:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return out.split()

    try:
        started = said(job("shared", 0))
        pids = {int(pid) for pid in started[1:]}
        two = [job("shared", 300), job("shared", 200)]
        assert [said(process)[-2:] for process in two] == [["SCORED", "300"], ["SCORED", "200"]]
        processes = named_pools.find("shared").status().processes
        assert processes.work.scored == 500
        assert pids
        assert pids <= set(processes.pids)
        assert processes.work.deaths == 0
    finally:
        named_pools.end("shared")
