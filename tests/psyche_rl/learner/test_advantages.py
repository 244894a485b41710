"""Group advantages against hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from psyche_rl.errors import ConfigError
from psyche_rl.learner.advantages import group_advantages


def test_grpo_is_the_standard_score_within_the_group():
    # Group a: 1, 0, 0, 1 -> mean 0.5, sample std sqrt(1/3). Group b: 2, 0 -> mean 1, std sqrt(2).
    got = group_advantages([1.0, 2.0, 0.0, 0.0, 0.0, 1.0], list("abaaba"), [3] * 6)
    a, b = 0.5 / (np.sqrt(1 / 3) + 1e-6), 1.0 / (np.sqrt(2) + 1e-6)
    np.testing.assert_allclose(got, [a, b, -a, -a, -b, a], rtol=1e-12)


def test_a_failed_score_is_left_out_of_the_baseline():
    got = group_advantages([1.0, None, 0.0, 0.0], list("aaaa"), [3, 1, 2, 5])
    assert got[1] is None
    assert [got[i] for i in (0, 2, 3)] == group_advantages([1.0, 0.0, 0.0], list("aaa"), [3, 2, 5])


def test_a_lone_survivor_has_no_baseline_and_no_advantage():
    assert group_advantages([1.5, None, 0.0, 1.0], list("aabb"), [2] * 4)[:2] == [None, None]
    assert group_advantages([None], ["a"], [2]) == [None]


def test_equal_rewards_give_exactly_no_signal():
    got = group_advantages([0.1] * 5, ["g"] * 5, [2] * 5)
    assert max(abs(a) for a in got) < 1e-9


def test_without_std_it_is_dr_grpo():
    np.testing.assert_allclose(
        group_advantages([3.0, 1.0], ["a", "a"], [1, 1], normalize_by_std=False), [1.0, -1.0]
    )


def test_rloo_leaves_the_sample_itself_out():
    got = group_advantages([1.0, 0.0, 0.0], list("aaa"), [2, 4, 3], estimator="rloo")
    np.testing.assert_allclose(got, [1.0, -0.5, -0.5], rtol=1e-6)


@pytest.mark.parametrize("name", ["grpo_vectorized", "reinforce_plus_plus", "opo", "rloo_vectorized"])
def test_other_outcome_estimators_run(name):
    got = group_advantages([1.0, 0.0, 0.0, 1.0], list("aabb"), [2, 4, 3, 1], estimator=name)
    assert got[0] > 0 > got[1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gropo", r"^grpo.advantage: verl knows no 'gropo'; it knows (\w+, )+\w+$"),
        ("remax", "reward_baselines"),
    ],
)
def test_an_unfit_estimator_is_named(name, says):
    with pytest.raises(ConfigError, match=says):
        group_advantages([1.0, 0.0], ["a", "a"], [1, 1], estimator=name)
