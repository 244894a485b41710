"""Group advantages against hand-computed cases."""

from __future__ import annotations

import numpy as np
import published
import pytest

from psyche_rl.errors import ConfigError
from psyche_rl.learner.advantages import group_advantages, token_advantages


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


LENGTHS = [3, 5, 1, 4, 2, 6, 3]
GROUPS = list("aabbaba")


@pytest.fixture(params=["outcome", "per token"])
def token_rewards(request):
    """A reward at the end of each reply, and, for KL in the reward, something at every token."""
    draw = np.random.default_rng(5)
    rewards = [np.r_[np.zeros(n - 1), draw.random()] for n in LENGTHS]
    return rewards if request.param == "outcome" else [r - 0.1 * draw.normal(size=len(r)) for r in rewards]


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo", "opo", "reinforce_plus_plus"])
def test_advantages_are_the_published_ones(token_rewards, name):
    estimator = "grpo" if name == "dr_grpo" else name
    found = token_advantages(token_rewards, GROUPS, estimator, normalize_by_std=name != "dr_grpo")
    expected = published.advantages(name, token_rewards, GROUPS, LENGTHS)
    for mine, theirs in zip(found, expected, strict=True):
        # verl adds 1e-8 to the number of tokens that it whitens over.
        near = {"atol": 1e-8} if name == "reinforce_plus_plus" else {"rtol": 1e-10}
        np.testing.assert_allclose(mine, theirs, **near)


def test_an_outcome_counts_at_the_end_of_a_reply():
    """So that whoever whitens over tokens finds it in all of them."""
    rewards = [1.0, 0.0, 0.5, 0.0, 1.0, 0.25, 0.0]
    got = group_advantages(rewards, GROUPS, LENGTHS, "reinforce_plus_plus")
    at_the_end = [np.r_[np.zeros(n - 1), r] for n, r in zip(LENGTHS, rewards, strict=True)]
    expected = published.advantages("reinforce_plus_plus", at_the_end, GROUPS, LENGTHS)
    np.testing.assert_allclose(got, [values[0] for values in expected], atol=1e-8)


def test_a_tokens_advantage_depends_on_the_rewards_after_it():
    first, *_ = token_advantages(
        [np.array([0.0, -1.0, 1.0]), np.array([0.0, 0.0])], ["a", "a"], "reinforce_plus_plus"
    )
    assert first[2] > first[0] == first[1]


@pytest.mark.parametrize("name", ["reinforce_plus_plus", "reinforce_plus_plus_baseline"])
def test_a_sample_or_group_left_out_has_no_part_in_the_whitening(name):
    """A reply without a score, and a lone survivor with a huge reward, change nothing for the others."""
    rest = group_advantages([1.0, 0.0, 0.0, 1.0], list("aabb"), [2, 4, 3, 1], estimator=name)
    got = group_advantages(
        [1.0, None, 0.0, 0.0, 1.0, 1e6, None], list("aaabbcc"), [2, 9, 4, 3, 1, 50, 2], estimator=name
    )
    assert [got[i] for i in (1, 5, 6)] == [None] * 3
    assert [got[i] for i in (0, 2, 3, 4)] == rest
