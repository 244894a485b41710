"""Each alarm on a run that goes wrong in its way, and none on one that goes well."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from psyche_rl.alarms.raised import Alarm, all_raised, newly_raised, standing
from psyche_rl.alarms.rules import FLOOD, KL_FLOOR, RULES, WINDOW, reward_collapse, stall

HEALTHY = [
    json.loads(line) for line in Path(__file__).with_name("healthy_mini.jsonl").read_text().splitlines()
]
"""The curves of a mini run that learned: strict accuracy 0.51 to 0.9."""
LAST = HEALTHY[-1]["step"]


def going_on(steps: int, **changes: float | Callable[[int], float]) -> list[dict]:
    """The healthy run and ``steps`` more, like its last but for ``changes`` (metric, with _ for /)."""
    rows = list(HEALTHY)
    for i in range(1, steps + 1):
        made = {name: change(i) if callable(change) else change for name, change in changes.items()}
        named = {name.replace("__", "/"): value for name, value in made.items()}
        rows.append(HEALTHY[-1] | {"step": LAST + i} | named)
    return rows


WRONG = {
    "reward_collapse": ({"reward__mean": 0.3}, 5),
    "kl_spike": ({"kl__mean": 1.5}, 1),
    "ratio_spike": ({"policy__ratio_max": 50.0}, 1),
    "zero_variance_flood": ({"group__zero_variance_share": 0.97}, 5),
    "stall": ({"time__step_s": 300.0}, 1),
    "length_explosion": ({"response__length_mean": 64.0}, 3),
    "engine_drift": ({"sync__logprob_diff_mean": 0.03}, 4),
}


def test_a_healthy_run_raises_nothing():
    assert len(HEALTHY) > 40 > WINDOW
    assert all_raised(HEALTHY) == []


def test_every_rule_has_a_wrong_run():
    assert WRONG.keys() == RULES.keys()


@pytest.mark.parametrize("name", WRONG)
def test_each_alarm_is_raised_once_where_it_begins_and_only_that_one(name):
    changes, after = WRONG[name]
    begun = all_raised(going_on(8, **changes))
    assert [alarm.name for alarm in begun] == [name]
    assert LAST < begun[0].step <= LAST + after
    assert [alarm.name for alarm in standing(going_on(begun[0].step - LAST, **changes))] == [name]


def test_an_alarm_that_ends_and_begins_again_is_raised_again():
    rows = going_on(5, kl__mean=lambda i: 1.5 if i in (1, 2, 5) else 0.1)
    assert [(a.name, a.step) for a in all_raised(rows)] == [("kl_spike", LAST + 1), ("kl_spike", LAST + 5)]
    assert newly_raised(rows[:-3]) == []
    assert newly_raised(rows) == [Alarm("kl_spike", LAST + 5, standing(rows)[0].why)]
    assert str(newly_raised(rows)[0]).startswith(
        f"kl_spike at step {LAST + 5}: kl/mean is 1.5, it was 0.0992"
    )


def test_before_the_first_step_nothing_is_told():
    assert standing([]) == newly_raised([]) == all_raised([]) == []
    assert all_raised([{"step": 0, "eval/strict_accuracy": 0.5}]) == []


def test_rewards_that_are_no_numbers_are_passed_over():
    rows = going_on(3, reward__mean=float("nan"))
    assert reward_collapse(rows) is None
    assert all_raised(rows) == []


def test_a_mean_ratio_away_from_one_is_a_spike():
    for mean, names in ((1.3, ["ratio_spike"]), (0.7, ["ratio_spike"]), (1.15, [])):
        assert [a.name for a in standing(going_on(1, policy__ratio_mean=mean))] == names


@pytest.mark.parametrize(("share", "names"), [(FLOOD, ["zero_variance_flood"]), (FLOOD - 0.01, [])])
def test_the_flood_begins_at_its_share(share, names):
    assert [a.name for a in standing(going_on(WINDOW, group__zero_variance_share=share))] == names


@pytest.mark.parametrize(("kl", "names"), [(KL_FLOOR, []), (KL_FLOOR + 0.01, ["kl_spike"])])
def test_a_small_kl_is_no_spike_however_it_jumped(kl, names):
    quiet = [row | ({"kl/mean": 0.001} if "kl/mean" in row else {}) for row in going_on(1)]
    assert [a.name for a in standing([*quiet[:-1], quiet[-1] | {"kl/mean": kl}])] == names


def test_replies_that_run_into_the_limit_are_an_explosion():
    rows = going_on(WINDOW, response__truncated_share=0.6)
    assert "60% of the replies are cut off at max_tokens" in standing(rows)[0].why


def test_rewards_around_zero_collapse_by_their_noise():
    """A reward that swings around 0 is no collapse, one that falls for good is."""
    swings = [{"step": i, "reward/mean": 0.02 * (-1) ** i} for i in range(30)]
    assert all_raised(swings) == []
    fallen = [*swings, *({"step": 30 + i, "reward/mean": -0.5} for i in range(5))]
    assert [a.name for a in all_raised(fallen)] == ["reward_collapse"]


@pytest.mark.parametrize(("waiting_s", "says"), [(60.0, False), (70.0, True)])
def test_who_watches_is_told_of_a_step_that_does_not_end(waiting_s, says):
    rows = [{"step": i, "time/step_s": 2.0} for i in range(1, 8)]
    found = stall(rows, waiting_s)
    assert (found == "the step has been under way for 70 s, where 2 s are usual") == says
    assert stall(rows) is None
    assert stall(rows[:4], 1e9) is None


def test_what_was_cut_off_long_ago_is_no_excuse_for_now():
    """The past is the twenty steps before: an early time of long replies does not hide a new one."""
    early = [{"step": i, "response/truncated_share": 0.9} for i in range(1, 31)]
    well = [{"step": 30 + i, "response/truncated_share": 0.0} for i in range(1, 26)]
    again = [{"step": 55 + i, "response/truncated_share": 0.9} for i in range(1, 6)]
    assert [a.name for a in standing([*early, *well, *again])] == ["length_explosion"]


def test_half_of_the_best_reward_is_no_collapse_yet():
    rows = [{"step": i, "reward/mean": 1.0 if i < 20 else 0.5} for i in range(25)]
    assert all_raised(rows) == []
    assert [a.name for a in all_raised([*rows, {"step": 25, "reward/mean": 0.4}])] == ["reward_collapse"]
