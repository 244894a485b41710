"""The staleness contract: the bound holds, nobody starves, and the learner never waits for ever."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.errors import StalenessError
from psyche_rl.fleet.admission import Admission, AdmissionRule, StepState, Taken


def admit(policy, count, version=None):
    """Admit ``count`` groups named by their place."""
    version = policy.step if version is None else version
    names = []
    for _ in range(count):
        names.append(f"g{policy.admitted}")
        policy.admit(names[-1], version)
    return names


def ready(policy, *names):
    births = {group.id: group.birth for group in policy.outstanding}
    for name in names:
        policy.ready(name, births[name], policy.step)


def walk(rule, seed, events=400, filtered=0.0):
    """Any order of admissions, completions, publishes and steps; returns what was consumed and what left."""
    draw, policy, served = random.Random(seed), Admission(rule), 0
    consumed, born, left, steps = [], [], [], 0
    for _ in range(events):
        event = draw.choice(["admit", "finish", "finish", "take", "train", "publish"])
        unready = [g for g in policy.outstanding if not g.ready]
        if event == "admit":
            for _ in range(draw.randint(0, policy.room(served))):
                born.append(f"g{policy.admitted}")
                policy.admit(born[-1], served)
        elif event == "finish" and unready:
            group = draw.choice(unready)
            if draw.random() < filtered:
                policy.leave(group.id, "filtered")
                left.append(group.id)
            else:
                policy.ready(group.id, group.birth, served)
        elif event == "take":
            consumed += policy.take()
        elif event == "train" and policy.state() in {StepState.FULL, StepState.SHORT}:
            left += policy.advance()
            steps += 1
        elif event == "publish":
            served = policy.step
    return policy, served, consumed, born, left, steps


RULES = st.builds(
    AdmissionRule,
    prompts=st.integers(1, 6),
    staleness=st.integers(0, 4),
    steps=st.none() | st.integers(1, 9),
    gen_batches=st.integers(1, 4),
    window_share=st.sampled_from([0.0, 0.3, 1.0]),
)
SEEDS = st.integers(0, 2**32)


@given(RULES, SEEDS, st.sampled_from([0.0, 0.3, 0.9]))
def test_no_group_is_consumed_beyond_the_bound_and_none_is_dropped(rule, seed, filtered):
    policy, _, consumed, born, left, _ = walk(rule, seed, filtered=filtered)
    assert all(0 <= taken.staleness <= rule.staleness for taken in consumed)
    under_way = [group.id for group in policy.outstanding]
    assert sorted([t.id for t in consumed] + left + under_way) == sorted(born)


@given(RULES, SEEDS, st.sampled_from([0.0, 0.3, 0.9]))
def test_a_step_can_be_formed_whenever_all_groups_are_ready(rule, seed, filtered):
    policy, served, *_ = walk(rule, seed, filtered=filtered)
    if policy.step == rule.steps:
        return
    if policy.state() is StepState.FULL:
        policy.advance()
        if policy.step == rule.steps:
            return
    served = policy.step
    while policy.state() is StepState.COLLECTING:
        before = policy.under_way
        admit(policy, policy.room(served), served)
        ready(policy, *[g.id for g in policy.outstanding])
        assert policy.take() or policy.under_way > before
    assert policy.state() is StepState.FULL or policy.nothing_left() or filtered


@given(RULES, SEEDS)
def test_never_more_under_way_than_the_steps_within_the_bound_can_consume(rule, seed):
    policy, served, _, born, *_ = walk(rule, seed)
    admit(policy, policy.room(served), served)
    assert policy.under_way <= (rule.staleness + 1) * rule.prompts
    if rule.steps is not None:
        assert len(born) <= rule.steps * rule.prompts


@given(SEEDS)
def test_dropping_keeps_the_bound_too(seed):
    rule = AdmissionRule(prompts=3, staleness=1, drop=True)
    policy, _, consumed, born, left, _ = walk(rule, seed)
    assert all(0 <= taken.staleness <= 1 for taken in consumed)
    assert len(consumed) + len(left) + len(policy.outstanding) == len(born)


def test_staleness_0_admits_a_step_and_consumes_it():
    policy = Admission(AdmissionRule(prompts=3, staleness=0))
    names = admit(policy, policy.room(0))
    assert names == ["g0", "g1", "g2"]
    assert policy.room(0) == 0
    ready(policy, "g2", "g0")
    assert policy.take() == (Taken("g0", 0, 0),)  # the window is one group wide
    ready(policy, "g1")
    assert policy.take() == (Taken("g1", 0, 0), Taken("g2", 0, 0))
    assert (policy.state(), policy.room(0)) == (StepState.FULL, 0)
    assert policy.advance() == ()
    assert (policy.step, policy.state(), policy.room(1)) == (1, StepState.COLLECTING, 3)


def test_a_filtered_group_is_replaced_at_the_version_of_its_step():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    admit(policy, 2)
    policy.leave("g0", "filtered")
    assert policy.room(0) == 1
    admit(policy, 1)
    ready(policy, "g1", "g2")
    assert [taken.id for taken in policy.take()] == ["g1", "g2"]


def test_a_step_takes_younger_groups_within_the_window_alone():
    """Dropping stale groups starves slow, hard prompts; so does taking whatever is ready."""
    policy = Admission(AdmissionRule(prompts=4, staleness=4))  # window 6
    assert policy.rule.window == 6
    admit(policy, 20)
    ready(policy, "g5", "g6", "g4")
    assert [taken.id for taken in policy.take()] == ["g4", "g5"]
    ready(policy, "g0")
    assert [taken.id for taken in policy.take()] == ["g0", "g6"]  # the window moves with the oldest


def test_a_slow_group_is_waited_for_at_its_deadline():
    policy = Admission(AdmissionRule(prompts=2, staleness=1, window_share=1.0))
    admit(policy, 4)
    ready(policy, "g1", "g2", "g3")
    assert [taken.id for taken in policy.take()] == ["g1", "g2"]
    policy.advance()
    admit(policy, policy.room(1))
    ready(policy, "g3", "g4", "g5")
    assert [taken.id for taken in policy.take()] == ["g3"]  # the last place is that of g0
    assert policy.state() is StepState.COLLECTING
    ready(policy, "g0")
    assert policy.take() == (Taken("g0", 0, 1),)


def test_dropping_goes_on_without_the_slow_group_and_names_it():
    policy = Admission(AdmissionRule(prompts=1, staleness=1, drop=True))
    admit(policy, 2)
    for step in range(2):
        ready(policy, f"g{step + 1}")
        policy.take()
        dropped = policy.advance()
        admit(policy, policy.room(policy.step))
        assert dropped == (("g0",) if step else ())
    assert "g0" not in {group.id for group in policy.outstanding}


def test_dropping_takes_no_more_than_a_step_and_admits_as_much_as_it_would_keep():
    policy = Admission(AdmissionRule(prompts=1, staleness=1, drop=True))
    admit(policy, 2)
    ready(policy, "g0", "g1")
    assert [taken.id for taken in policy.take()] == ["g0"]
    policy.advance()
    assert policy.room(0) == policy.room(1) == 1
    policy.take()
    policy.advance()
    assert policy.room(1) == policy.room(2) == 2


def test_what_is_under_way_is_outstanding_or_taken():
    policy = Admission(AdmissionRule(prompts=2, staleness=1))
    admit(policy, 3)
    ready(policy, "g0")
    assert [(group.id, group.ready) for group in policy.outstanding] == [
        ("g0", True),
        ("g1", False),
        ("g2", False),
    ]
    policy.take()
    assert (policy.under_way, policy.taken, policy.admitted, len(policy.outstanding)) == (3, 1, 3, 2)
    ready(policy, "g1")
    policy.take()
    policy.advance()
    assert (policy.under_way, policy.taken) == (1, 0)


def test_a_policy_that_starts_anew_admits_no_burst():
    """AReaL PR#1345: a capacity worked out from totals, which restart, and the version, which does not."""
    fresh, resumed = (Admission(AdmissionRule(prompts=4, staleness=2), step=step) for step in (0, 1000))
    assert fresh.room(0) == resumed.room(1000) == 12


def test_a_version_that_restarts_is_an_error():
    """miles PR#2244, PR#2835: negative staleness passes every filter on its upper bound."""
    policy = Admission(AdmissionRule(prompts=1, staleness=8), step=3)
    for version in (0, 2, 4):
        with pytest.raises(StalenessError, match=f"serves version {version}, after version 3 and 3 finished"):
            policy.admit("g0", version)
    admit(policy, 1)
    with pytest.raises(StalenessError, match="versions 3 to 4 after 3 finished"):
        policy.ready("g0", 3, 4)


def test_versions_read_after_the_reply_are_an_error():
    """AReaL PR#1569: tokens labelled with a version other than the one that sampled them."""
    policy = Admission(AdmissionRule(prompts=1, staleness=1), step=3)
    admit(policy, 1)
    for oldest, newest in ((2, 3), (3, 2)):
        with pytest.raises(StalenessError, match=f"versions {oldest} to {newest}"):
            policy.ready("g0", oldest, newest)
    policy.ready("g0", 3, 3)


def test_the_served_version_lags_until_it_is_published():
    policy = Admission(AdmissionRule(prompts=2, staleness=1))
    admit(policy, 3)
    ready(policy, "g0", "g1")
    policy.take()
    policy.advance()
    assert policy.room(0) == 1  # due in step 1, beside g2
    assert policy.room(1) == 3
    admit(policy, 1, version=1)
    with pytest.raises(StalenessError, match="serves version 0, after version 1"):
        policy.room(0)


def test_no_place_is_left_to_a_group_without_room_or_admitted_twice():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    admit(policy, 1)
    with pytest.raises(ValueError, match="g0 was admitted twice"):
        policy.admit("g0", 0)
    admit(policy, 1)
    with pytest.raises(StalenessError, match="g9 does not fit beside the 2 under way"):
        policy.admit("g9", 0)


def test_a_name_that_comes_again_is_not_ready_because_it_once_was():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    policy.admit("a", 0)
    policy.admit("b", 0)
    ready(policy, "a")
    policy.leave("a", "errored")
    policy.admit("a", 0)
    ready(policy, "b")
    assert [taken.id for taken in policy.take()] == ["b"]
    ready(policy, "a")
    assert [taken.id for taken in policy.take()] == ["a"]


def test_readiness_told_twice_counts_once():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    admit(policy, 2)
    ready(policy, "g0", "g0")
    assert len(policy.take()) == 1
    assert policy.take() == ()
    with pytest.raises(KeyError):
        policy.ready("g0", 0, 0)


def test_the_last_steps_admit_what_they_can_still_consume():
    policy = Admission(AdmissionRule(prompts=2, staleness=3, steps=2))
    assert policy.room(0) == 4
    admit(policy, 4)
    ready(policy, "g0", "g1")
    policy.take()
    policy.advance()
    assert policy.room(1) == 0
    ready(policy, "g2", "g3")
    policy.take()
    policy.advance()
    assert policy.room(2) == 0


def test_a_step_is_not_trained_before_it_is_full():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    admit(policy, 2)
    ready(policy, "g0")
    policy.take()
    with pytest.raises(ValueError, match="step 0 has 1 of 2 groups"):
        policy.advance()


def fail(policy, why="filtered", count=1):
    for _ in range(count):
        policy.leave(admit(policy, 1)[0], why)


def test_refills_end_at_the_cap_and_the_step_is_short():
    policy = Admission(AdmissionRule(prompts=2, staleness=0, gen_batches=2))
    assert admit(policy, 1) == ["g0"]
    fail(policy, count=2)
    assert policy.room(0) == 1
    fail(policy)  # 4 = gen_batches * P groups were generated
    assert policy.room(0) == 0
    assert policy.state() is StepState.COLLECTING  # g0 is still to come
    ready(policy, "g0")
    policy.take()
    assert (policy.state(), policy.nothing_left()) == (StepState.SHORT, None)
    policy.advance()
    assert (policy.state(), policy.room(1)) == (StepState.COLLECTING, 2)


def test_data_without_anything_left_to_teach_ends_the_run_with_a_verdict():
    policy = Admission(AdmissionRule(prompts=2, staleness=0, gen_batches=2, least=2))
    admit(policy, 1)
    fail(policy, count=2)
    fail(policy, "errored")
    ready(policy, "g0")
    policy.take()
    assert policy.state() is StepState.BARREN
    assert str(policy.nothing_left()).startswith(
        "step 0: of 4 groups 2 had no variance in their rewards and 1 too few scores, 1 can be learned from"
    )
    with pytest.raises(ValueError, match="step 0 has 1 of 2"):
        policy.advance()


def test_a_full_step_gives_the_next_one_all_its_tries():
    policy = Admission(AdmissionRule(prompts=2, staleness=0, gen_batches=2))
    for step in range(3):
        fail(policy, count=2)
        ready(policy, *admit(policy, 2))
        policy.take()
        policy.advance()
        assert policy.room(step + 1) == 2


def test_a_step_may_be_generated_three_times_unless_told_otherwise():
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    fail(policy, count=5)
    assert policy.state() is StepState.BARREN
    assert policy.nothing_left().filtered == 5


def test_a_generation_error_is_never_a_row_of_a_step():
    """NeMo-RL PR#3589: errors that were trained on as empty rows of reward 0."""
    policy = Admission(AdmissionRule(prompts=2, staleness=0))
    admit(policy, 2)
    policy.leave("g0", "errored")
    ready(policy, "g1", *admit(policy, policy.room(0)))
    assert [taken.id for taken in policy.take()] == ["g1", "g2"]
    assert policy.state() is StepState.FULL


def test_surplus_groups_are_no_tries():
    policy = Admission(AdmissionRule(prompts=1, staleness=0, gen_batches=1))
    fail(policy, "surplus", count=2)
    assert policy.room(0) == 1


def test_what_fails_beside_the_learner_counts_for_the_next_step_and_is_replaced():
    policy = Admission(AdmissionRule(prompts=1, staleness=1, gen_batches=2))
    fail(policy)
    ready(policy, *admit(policy, 1))
    policy.take()
    fail(policy, count=2)
    assert policy.room(0) == 1  # the learner is busy: nobody waits
    policy.advance()
    assert policy.room(1) == 0
    assert policy.state() is StepState.BARREN


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompts": 0},
        {"staleness": -1},
        {"least": 0},
        {"least": 3},
        {"window_share": 1.1},
        {"window_share": -0.1},
    ],
)
def test_rules_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AdmissionRule(**{"prompts": 2, "staleness": 1} | wrong)


def test_a_step_takes_one_batch_at_least():
    with pytest.raises(ValueError, match="gen_batches=0"):
        Admission(AdmissionRule(prompts=1, staleness=0, gen_batches=0))
