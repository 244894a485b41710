"""Composition: a weighted sum of rewards, itself a reward.

Invariants: ``value`` is the sum of weight x part; ``parts`` hold each reward's own value under its
name; an error in any part is the error of the whole, since a sum without it would be another reward.

    >>> from rewards import RewardSample, exam_reward
    >>> reward = exam_reward(answer_weight=1.0, format_weight=0.5)
    >>> sample = RewardSample(id="q1/0", response="<think>A…否 B…是</think>答案：B", gold="B",
    ...                       kind="single", options=("记忆", "遗忘"))
    >>> score = reward.score(sample)
    >>> score.value, score.parts
    (1.5, {'mcq_strict': 1.0, 'think_format': 1.0})
    >>> len(reward.fingerprint())
    16
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rewards.correctness import McqStrict
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.think_format import ThinkFormat


class WeightedSum(Reward):
    """``sum(weight * reward)`` over differently named rewards.

    Raises:
        ValueError: there is no reward, or two share a name.
    """

    def __init__(self, weighted: Sequence[tuple[Reward, float]], name: str = "weighted_sum") -> None:
        names = [reward.name for reward, _ in weighted]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a reward set needs at least one reward and distinct names, got {names}")
        self.name, self.weighted = name, tuple(weighted)

    def settings(self) -> dict[str, Any]:
        """The weight and the fingerprint of each part."""
        return {reward.name: [weight, reward.fingerprint()] for reward, weight in self.weighted}

    def score(self, sample: RewardSample) -> Score:
        """The sum, or the first error met, which names its part."""
        total, parts = 0.0, dict[str, float]()
        for reward, weight in self.weighted:
            try:
                score = reward.score(sample)
            except Exception as error:
                message = f"{reward.name}: {type(error).__name__}: {error}"
                return Score.failed("scorer_exception", message)
            if score.error is not None:
                return Score.failed(score.error.kind, f"{reward.name}: {score.error.message}")
            assert score.value is not None
            parts[reward.name] = score.value
            total += weight * score.value
        return Score.of(total, parts)


def exam_reward(answer_weight: float, format_weight: float) -> WeightedSum:
    """The paper's reward: strict answer correctness plus think format (section 4.1; weights are ours)."""
    return WeightedSum([(McqStrict(), answer_weight), (ThinkFormat(), format_weight)], name="exam")
