"""Who is silent, lost or to leave: by its own progress, at its own pace."""

import math

import pytest

from psyche_rl.fleet.health import HealthVerdict, Patience, judge
from psyche_rl.fleet.slot import Slot, SlotState, WorkerProgress

PATIENCE = Patience(wait_s=600.0, join_s=300.0, load_s=200.0, sync_s=100.0)


def slot(state=SlotState.SERVING, since=0.0, at=0.0, gap_s=0.0, node="a"):
    return Slot(0, state, since, WorkerProgress(at, 1, gap_s), node=node)


def verdict(*args, busy=True, leaving=None, **kwargs):
    return judge(slot(**kwargs), *args, busy=busy, patience=PATIENCE, leaving=leaving).verdict


def test_silence_is_judged_by_the_usual_gap_above_a_floor():
    assert verdict(5.0) is HealthVerdict.WELL
    assert verdict(5.1) is HealthVerdict.SILENT
    assert verdict(5.1, gap_s=0.1) is HealthVerdict.SILENT
    assert verdict(40.0, gap_s=2.0) is HealthVerdict.WELL
    assert verdict(40.1, gap_s=2.0) is HealthVerdict.SILENT
    assert verdict(145.0, at=100.0, gap_s=2.0) is HealthVerdict.SILENT
    assert verdict(140.0, at=100.0, gap_s=2.0) is HealthVerdict.WELL


def test_a_worker_that_hangs_is_lost_after_its_wait_and_a_slow_one_is_not():
    for state in (SlotState.SERVING, SlotState.SUSPECT, SlotState.DRAINING):
        assert verdict(600.0, state=state, gap_s=40.0) is HealthVerdict.WELL
        assert verdict(600.1, state=state, gap_s=40.0) is HealthVerdict.LOST
    assert verdict(1000.0, at=500.0, gap_s=40.0) is HealthVerdict.WELL


def test_a_worker_without_work_is_never_silent():
    assert verdict(1e6, busy=False) is HealthVerdict.WELL


def test_one_that_drains_is_not_suspected():
    assert verdict(599.0, state=SlotState.DRAINING) is HealthVerdict.WELL


@pytest.mark.parametrize(
    ("state", "limit", "why"),
    [
        (SlotState.JOINING, 300.0, "no place in the cluster within 300 s"),
        (SlotState.LOADING, 200.0, "not loaded within 200 s"),
        (SlotState.SYNCING, 100.0, "no proof of the weights within 100 s"),
    ],
)
def test_coming_up_has_deadlines_of_its_own_with_or_without_work(state, limit, why):
    for busy in (True, False):
        found = judge(slot(state, since=50.0), 50.1 + limit, busy, PATIENCE)
        assert (found.verdict, found.why) == (HealthVerdict.LOST, why)
        assert judge(slot(state, since=50.0), 50.0 + limit, busy, PATIENCE).verdict is HealthVerdict.WELL


def test_a_node_that_leaves_is_left_in_time():
    leaving = {"a": 100.0}
    found = judge(slot(), 10.0, True, PATIENCE, leaving)
    assert (found.verdict, found.why) == (HealthVerdict.LEAVE, "node a leaves in 90 s")
    draining = {"state": SlotState.DRAINING, "leaving": leaving, "at": 90.0}
    assert verdict(94.9, **draining) is HealthVerdict.WELL
    assert verdict(95.0, **draining) is HealthVerdict.LOST
    assert verdict(95.0, leaving=leaving) is HealthVerdict.LOST
    assert verdict(10.0, state=SlotState.SYNCING, leaving=leaving) is HealthVerdict.LEAVE
    for state in (SlotState.JOINING, SlotState.LOADING):
        assert verdict(10.0, state=state, leaving=leaving) is HealthVerdict.LOST
    assert verdict(99.0, state=SlotState.GONE, leaving=leaving) is HealthVerdict.WELL


def test_a_node_without_a_deadline_is_left_and_waited_for():
    leaving = {"a": math.inf}
    assert verdict(10.0, leaving=leaving) is HealthVerdict.LEAVE
    assert verdict(1e5, state=SlotState.DRAINING, leaving=leaving, busy=False) is HealthVerdict.WELL


def test_workers_on_other_nodes_or_none_stay():
    assert verdict(1.0, leaving={"b": 2.0}) is HealthVerdict.WELL
    assert verdict(1.0, node=None, leaving={"b": 2.0}, state=SlotState.JOINING) is HealthVerdict.WELL
    assert verdict(1.0, leaving={}) is HealthVerdict.WELL
