"""Rewards as a user would write them, for ``module:Class`` in a reward set."""

from typing import Literal

from rewards import Reward, RewardSample, Score


class Brevity(Reward):
    name = "brevity"

    def __init__(self, limit: int, factor: float = 1.0, unit: Literal["characters", "words"] = "characters"):
        if limit < 0:
            raise ValueError("limit is below 0")
        self.limit, self.factor, self.unit = limit, factor, unit

    def score(self, sample: RewardSample) -> Score:
        return Score.of(self.factor * (len(sample.response) <= self.limit))


class Forgetful(Reward):
    name = "forgetful"

    def __init__(self, limit: int):
        self._limit = limit

    def score(self, sample: RewardSample) -> Score:
        return Score.of(self._limit)


class Greedy(Reward):
    name = "greedy"

    def __init__(self, weight: float):
        self.weight = weight

    def score(self, sample: RewardSample) -> Score:
        return Score.of(0.0)


class NotAReward:
    pass
