"""The pool of scoring processes, without Ray: a sample's fault is its own, and nothing is scored twice."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import time

import psutil
import pytest
from reward_rogues import Obedient, Patient, noted, sample, samples, worth

from actors.scoring.fork_client import worker_spec
from actors.scoring.process_pool import ScoringProcessPool
from actors.scoring.scaling import ScalingPolicy
from psyche_rl.errors import ConfigError
from rewards import Score, exam_reward


def run(reward, work, workers=2, most=8, timeout_s=0.5, memory_mib=None):
    """``await work(pool, score)`` on a pool that is closed at the end."""

    async def whole():
        pool = ScoringProcessPool(worker_spec(reward, timeout_s, memory_mib), ScalingPolicy(workers, most))

        async def score(given):
            bodies = await pool.score([(s.id, pickle.dumps(s)) for s in given])
            return [pickle.loads(body) for body in bodies]

        try:
            return await work(pool, score)
        finally:
            await pool.close()

    return asyncio.run(whole())


def scored(reward, given, **options):
    return run(reward, lambda pool, score: score(given), **options)


def test_scores_are_those_of_the_reward_in_the_order_given():
    reward = exam_reward(1.0, 0.5)
    given = [s.model_copy(update={"response": f"答案：{'AB'[i % 2]}"}) for i, s in enumerate(samples(300))]
    assert scored(reward, given, timeout_s=10) == [reward.score(s) for s in given]
    assert scored(reward, []) == []


@pytest.mark.parametrize(
    ("deed", "kind", "why"),
    [
        ("raise", "scorer_exception", "KeyError: 'no such key'"),
        ("nonsense", "scorer_exception", "no Score"),
        ("hang", "timeout", "no score within 0.5 s"),
        ("spin", "timeout", "no score within 0.5 s"),
        ("die", "scorer_exception", "died"),
        ("segfault", "scorer_exception", "died"),
        ("exit", "scorer_exception", "died"),
        ("hoard", "scorer_exception", "MemoryError"),
    ],
)
def test_only_the_samples_at_fault_err_and_the_rest_is_scored_once(tmp_path, deed, kind, why):
    notes = tmp_path / "notes"
    given = samples(60, _5=deed, _6=deed, _40=deed)
    deadline_s = 0.5 if kind == "timeout" else 30
    scores = scored(Obedient(str(notes)), given, timeout_s=deadline_s, memory_mib=512)
    for i in (5, 6, 40):
        assert (scores[i].value, scores[i].error.kind) == (None, kind)
        assert why in scores[i].error.message
        assert f"obedient on sample {i}:" in scores[i].error.message
    good = [s for s in given if not s.response]
    assert [scores[int(s.id)] for s in good] == [worth(s) for s in good]
    assert sorted(noted(notes), key=int) == [s.id for s in good]


def test_a_sample_is_given_up_when_it_has_cost_three_processes():
    async def work(pool, score):
        return await score([sample(0, "die")]), pool.status().work.deaths

    (score,), deaths = run(Obedient(), work, workers=1, timeout_s=30)
    assert score.error.kind == "scorer_exception"
    assert deaths == 3


def test_processes_that_are_killed_from_outside_cost_no_sample_and_none_is_scored_twice(tmp_path):
    notes = tmp_path / "notes"
    given = samples(200)

    async def work(pool, score):
        scoring = asyncio.ensure_future(score(given))
        for deaths in range(4):
            while pool.status().work.scored < 20 * (deaths + 1):
                await asyncio.sleep(0.01)
            os.kill(pool.status().pids[0], signal.SIGKILL)
            while pool.status().work.deaths == deaths:
                await asyncio.sleep(0.01)
        scores = await scoring
        return scores, pool.status()

    scores, status = run(Obedient(str(notes), each_s=0.01), work, timeout_s=20)
    assert scores == [worth(s) for s in given]
    assert (status.work.deaths, status.work.scored, status.work.timeouts) == (4, 200, 0)
    assert set(noted(notes)) == {s.id for s in given}
    # What a process has noted but not answered when it is killed must be asked again: one sample per death.
    assert len(noted(notes)) <= len(given) + status.work.deaths
    assert len(status.pids) >= 2


def test_a_fork_server_that_is_killed_is_replaced(tmp_path):
    async def work(pool, score):
        scoring = asyncio.ensure_future(score(samples(100)))
        await asyncio.sleep(0.1)
        psutil.Process(pool.status().pids[0]).parent().kill()
        return await scoring

    assert run(Obedient(each_s=0.01), work, timeout_s=20) == [worth(s) for s in samples(100)]


def test_others_take_the_place_of_processes_that_hang():
    """Two processes, both at a sample that hangs: the rest is not kept waiting for a deadline."""
    given = samples(40, _0="hang", _1="hang")

    async def work(pool, score):
        scoring = asyncio.ensure_future(score(given))
        while pool.status().work.scored < 38:
            await asyncio.sleep(0.02)
        scoring.cancel()
        return pool.status()

    status = run(Obedient(each_s=0.01), work, timeout_s=15, most=3)
    assert (status.work.timeouts, len(status.pids)) == (0, 3)


def test_calls_take_turns():
    async def work(pool, score):
        long = asyncio.ensure_future(score(samples(2000)))
        await asyncio.sleep(0.05)
        await score([sample(7)])
        unfinished = not long.done()
        long.cancel()
        return unfinished

    assert run(Obedient(each_s=0.002), work, timeout_s=30)


def test_a_call_that_is_given_up_leaves_the_pool_to_others():
    async def work(pool, score):
        given_up = asyncio.ensure_future(score(samples(5000)))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        return await score(samples(3)), pool.status().work.waiting

    assert run(Obedient(each_s=0.002), work, timeout_s=30) == ([worth(s) for s in samples(3)], 0)


def test_what_a_scorer_has_started_ends_with_it():
    async def work(pool, score):
        [pid] = [int(s.value) for s in await score([sample(0, "pid")])]
        family = [p.pid for p in psutil.Process(pool.status().pids[0]).parent().children(recursive=True)]
        return pid, family, psutil.Process(pool.status().pids[0]).ppid()

    pid, family, server = run(Obedient(), work)
    assert pid in family
    deadline = time.monotonic() + 20
    while any(map(lives, [*family, server])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(lives, [*family, server]))


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_reward_that_cannot_be_loaded_says_so():
    class Unloadable(Obedient):
        def __reduce__(self):
            return int, ("not a number",)

    with pytest.raises(ConfigError, match=r"cannot be loaded in a scoring process: ValueError: invalid lit"):
        scored(Unloadable(), samples(1))


@pytest.mark.slow
def test_judges_are_asked_side_by_side_and_each_has_its_own_deadline(tmp_path):
    notes = tmp_path / "notes"
    given = samples(50, _3="hang", _4="timeout", _30="hang")
    begun = time.monotonic()
    scores = scored(Patient(0.4, str(notes)), given, workers=1, most=1, timeout_s=2.0)
    took = time.monotonic() - begun
    assert took < 50 * 0.4  # one after another
    assert [scores[i].error.kind for i in (3, 4, 30)] == ["timeout", "scorer_exception", "timeout"]
    assert scores[3] == Score.failed("timeout", "patient on sample 3: no score within 2 s")
    good = [s for s in given if not s.response]
    assert [scores[int(s.id)] for s in good] == [worth(s) for s in good]
    assert sorted(noted(notes), key=int) == [s.id for s in good]


@pytest.mark.parametrize(
    ("deed", "kind"), [("die", "scorer_exception"), pytest.param("block", "timeout", marks=pytest.mark.slow)]
)
def test_a_judge_that_takes_its_process_down_is_found_among_the_others(deed, kind):
    given = samples(8, _7=deed)
    scores = scored(Patient(0.05), given, workers=1, most=2, timeout_s=1.0)
    assert scores.pop(7).error.kind == kind
    assert scores == [worth(s) for s in given if s.id != "7"]
