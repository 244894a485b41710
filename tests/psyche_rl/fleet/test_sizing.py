"""How many workers: by need that lasts, within bounds, and as a user says."""

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.fleet.sizing import AllTheClusterHas, Between, Fixed, FleetLoad, Scaling, ScalingDecision

CALM = FleetLoad(now=0.0, workers=4, coming=0, waiting_share=0.0, idle_share=0.0)


def load(**fields):
    return dataclasses.replace(CALM, **fields)


def started(minimum=2, maximum=16, workers=4):
    """A policy that wants ``workers`` already."""
    policy = Between(minimum, maximum)
    if workers > minimum:
        half = math.ceil(workers / 2)
        short = {"workers": half, "waiting_share": 1 - half / workers - 1e-9}
        policy.decide(load(now=-1000.0, **short))
        assert policy.decide(load(now=-900.0, **short)).target == workers
    return policy


def after(policy, seconds, **fields):
    """The decision once a load has lasted so long."""
    policy.decide(load(now=0.0, **fields))
    return policy.decide(load(now=seconds, **fields))


def test_a_fixed_fleet_stays_and_replaces_who_is_lost():
    assert Fixed(6).decide(load(workers=5, waiting_share=0.9)) == ScalingDecision(6, "fixed")


def test_all_the_cluster_has_is_what_is_there_and_what_there_is_room_for():
    policy = AllTheClusterHas()
    assert policy.decide(load(room=3)) == ScalingDecision(7, "all that the cluster has room for")
    assert policy.decide(load(room=None)).target == 4
    assert policy.decide(load(workers=0, room=0)).target == 1


def test_more_come_when_the_learner_has_waited_long_enough():
    assert after(started(), 29.9, waiting_share=0.2) == ScalingDecision(4, "enough")
    assert after(started(), 30.0, waiting_share=0.2) == ScalingDecision(
        5, "the learner waits 20% of its time"
    )
    assert after(started(), 30.0, waiting_share=0.1).target == 4
    assert after(started(), 30.0, waiting_share=0.11).target == 5
    assert after(started(), 30.0, waiting_share=0.99).target == 8  # no leap


def test_fewer_stay_when_they_were_idle_long_enough():
    assert after(started(), 299.9, idle_share=0.5).target == 4
    assert after(started(), 300.0, idle_share=0.5) == ScalingDecision(
        3, "the workers are idle 50% of their time"
    )
    assert after(started(), 300.0, idle_share=0.2).target == 4
    assert after(started(workers=16), 300.0, workers=16, idle_share=0.21).target == 15
    assert after(started(), 300.0, idle_share=0.5, waiting_share=0.2).target == 5  # a long tail: both wait


def test_a_need_that_breaks_off_begins_anew():
    policy = started()
    policy.decide(load(now=0.0, waiting_share=0.5))
    policy.decide(load(now=20.0))
    assert after(policy, 31.0, waiting_share=0.0).target == 4
    policy.decide(load(now=40.0, waiting_share=0.5))
    assert policy.decide(load(now=69.0, waiting_share=0.5)).target == 4
    assert policy.decide(load(now=70.0, waiting_share=0.5)).target == 8


def test_nothing_is_decided_while_some_are_coming_up():
    assert after(started(), 999.0, waiting_share=0.5, coming=2) == ScalingDecision(4, "2 are coming up")
    assert after(started(), 999.0, idle_share=0.9, coming=1).target == 4


def test_a_decision_is_left_to_show_what_it_changes():
    policy = started()
    assert after(policy, 30.0, waiting_share=0.5).target == 8
    assert policy.decide(load(now=31.0, workers=8, waiting_share=0.5)).target == 8
    assert policy.decide(load(now=60.9, workers=8, waiting_share=0.5)).target == 8
    assert policy.decide(load(now=61.0, workers=8, waiting_share=0.5)).target == 16


def test_a_lost_worker_is_replaced():
    assert started().decide(load(workers=3)).target == 4
    assert after(started(workers=16), 30.0, workers=3, waiting_share=0.2).target == 16
    assert after(started(workers=3), 300.0, workers=9, idle_share=0.3).target == 3


def test_the_bounds_hold_and_are_said():
    assert after(started(2, 5), 30.0, waiting_share=0.5) == ScalingDecision(
        5, "the learner waits 50% of its time; within 2 to 5"
    )
    assert after(started(2, 5), 300.0, idle_share=1.0) == ScalingDecision(
        2, "the workers are idle 100% of their time; within 2 to 5"
    )
    assert Between(3, 3).decide(load(workers=0)).target == 3
    for minimum, maximum in ((0, 4), (5, 4)):
        with pytest.raises(ValueError, match="no number of workers"):
            Between(minimum, maximum)


def test_a_users_word_holds_until_the_next():
    scaling = Scaling(Fixed(4))
    assert scaling.ask(9) == ScalingDecision(9, "9 were asked for")
    assert scaling.decide(load(waiting_share=0.0)).target == 9
    assert scaling.ask(1).target == 1
    assert scaling.decide(load()).target == 1
    assert scaling.ask(None) is None
    assert scaling.decide(load()) == ScalingDecision(4, "fixed")


def test_a_users_word_is_bounded_and_told_why():
    scaling = Scaling(Between(2, 24))
    assert scaling.ask(40) == ScalingDecision(24, "40 were asked for, 24 is the most")
    assert scaling.ask(24).why == "24 were asked for"
    assert scaling.ask(1) == ScalingDecision(2, "1 were asked for, 2 is the least")
    assert scaling.decide(load()).target == 2
    assert scaling.ask(2).why == "2 were asked for"
    for policy in (Fixed(4), AllTheClusterHas()):
        assert Scaling(policy).ask(0) == ScalingDecision(1, "0 were asked for, 1 is the least")
        assert Scaling(policy).ask(1) == ScalingDecision(1, "1 were asked for")
    assert Scaling(AllTheClusterHas()).ask(500).target == 500


def test_the_room_of_the_cluster_bounds_all_and_is_said():
    scaling = Scaling(Fixed(9))
    assert scaling.decide(load(room=2)) == ScalingDecision(6, "fixed; the cluster has room for 6")
    assert scaling.decide(load(room=5)) == ScalingDecision(9, "fixed")
    assert scaling.decide(load(room=None)).target == 9
    assert scaling.decide(load(workers=0, room=0)).target == 1  # so that the cluster is asked to grow
    scaling.ask(12)
    assert scaling.decide(load(room=0)) == ScalingDecision(4, "12 were asked for; the cluster has room for 4")


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 400), st.floats(0, 1), st.floats(0, 1), st.integers(0, 30), st.integers(0, 2)
        ),
        max_size=40,
    )
)
def test_no_load_makes_it_flap(loads):
    """Between two decisions lies the whole time that the need of the second has to last."""
    policy, now, wanted, changed = Between(2, 20), 0.0, 2, {1: -math.inf, -1: -math.inf}
    for wait, waiting, idle, workers, coming in loads:
        now += wait
        found = policy.decide(FleetLoad(now, workers, coming, waiting_share=waiting, idle_share=idle)).target
        assert 2 <= found <= 20
        if found != wanted:
            way = 1 if found > wanted else -1
            assert now - max(changed.values()) >= (30.0 if way == 1 else 300.0)
            wanted, changed[way] = found, now


@pytest.mark.parametrize("needed", [0.4, 1.2, 3.0, 7.6, 11.9, 40.0])
@pytest.mark.parametrize("start", [1, 20])
def test_in_a_loop_it_settles_where_neither_waits(needed, start):
    """``needed`` workers keep the learner exactly busy."""
    policy = Between(1, 20)
    policy._wanted, targets = start, []
    for now in range(0, 6000, 10):
        workers = targets[-1] if targets else start
        waiting, idle = max(0.0, 1 - workers / needed), max(0.0, 1 - needed / workers)
        targets.append(policy.decide(FleetLoad(float(now), workers, 0, waiting, idle)).target)
    assert len(set(targets[-300:])) == 1
    assert min(20, math.ceil(needed * 0.9)) <= targets[-1] <= max(1, math.ceil(needed / 0.8))
    ways = [b > a for a, b in itertools.pairwise(targets) if a != b]
    assert len(set(ways)) <= 1


def test_the_word_of_a_user_outlives_the_fleet_that_it_was_said_to():
    before = Scaling(Between(1, 3))
    assert before.asked is None
    before.ask(2)
    again = Scaling(Between(1, 3), before.asked)
    assert again.decide(load(workers=1)) == ScalingDecision(2, "2 were asked for")
    again.ask(None)
    assert again.asked is None
