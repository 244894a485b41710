"""Compositions: a weighted sum, a product of gates, the first that applies. Each is itself a reward.

Invariants:
- ``parts`` hold each part's own value under its name and the part's parts under ``name.part``.
- An error in any part that was asked is the error of the whole, since a figure without it would be another
  reward.
- A part's exception is an error, never a crash.
- Where any part is async all are awaited, side by side in a sum.

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

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rewards.blocking import run_blocking
from rewards.reward import Reward, digest
from rewards.score import RewardSample, Score


class Composition(Reward):
    """Several rewards as one.

    Raises:
        ValueError: there is no part, two share a name, or a weight or kinds have no meaning here.
    """

    COMPOSE: ClassVar[str]
    """What the composition is called in a description."""
    WEIGHTED: ClassVar[bool] = False
    BY_KIND: ClassVar[bool] = False

    def __init__(self, rewards: Sequence[Reward], name: str | None = None) -> None:
        names = [reward.name for reward in rewards]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a composition needs at least one reward and distinct names, got {names}")
        for reward in rewards:
            if not math.isfinite(reward.weight):
                raise ValueError(f"the weight of {reward.name!r} is not finite: {reward.weight}")
            if reward.weight != 1.0 and not self.WEIGHTED:
                raise ValueError(f"{reward.name!r} has a weight, which means nothing in '{self.COMPOSE}'")
            if reward.kinds and not self.BY_KIND:
                raise ValueError(f"{reward.name!r} has kinds, which mean nothing in '{self.COMPOSE}'")
        self.name, self.rewards = self.COMPOSE if name is None else name, tuple(rewards)

    @property
    def is_async(self) -> bool:
        """Whether any part is."""
        return any(reward.is_async for reward in self.rewards)

    def score(self, sample: RewardSample) -> Score:
        """The composed score; async parts are awaited."""
        return run_blocking(self.ascore(sample)) if self.is_async else self._score(sample)

    @abstractmethod
    def _score(self, sample: RewardSample) -> Score: ...

    def check(self, sample: RewardSample) -> str | None:
        """The first complaint of a part, which it names."""
        for reward in self.rewards:
            if complaint := reward.check(sample):
                return f"{reward.name}: {complaint}"
        return None

    def describe(self) -> dict[str, Any]:
        """Name, composition and parts, with the weights and kinds that differ from the defaults."""
        parts = [{**reward.describe(), **_place(reward)} for reward in self.rewards]
        return {"name": self.name, "compose": self.COMPOSE, "rewards": parts}

    def fingerprint(self) -> str:
        """Over name, composition, version and each part's fingerprint, weight and kinds, in order."""
        parts = [[r.fingerprint(), float(r.weight), list(r.kinds)] for r in self.rewards]
        return digest([self.name, self.COMPOSE, self.VERSION, parts])


class WeightedSum(Composition):
    """``sum(part.weight * part)``."""

    COMPOSE, WEIGHTED = "sum", True

    def _score(self, sample: RewardSample) -> Score:
        return self._sum([attempt(reward, sample) for reward in self.rewards])

    async def ascore(self, sample: RewardSample) -> Score:
        """The sum, its parts scored side by side."""
        import asyncio

        return self._sum(await asyncio.gather(*(attempt_async(reward, sample) for reward in self.rewards)))

    def _sum(self, scores: Iterable[Score]) -> Score:
        total, parts = 0.0, dict[str, float]()
        for reward, score in zip(self.rewards, scores, strict=True):
            if score.value is None:
                return _failure_of(reward, score)
            parts |= _parts_of(reward, score)
            total += reward.weight * score.value
        return Score.of(total, parts)


class Product(Composition):
    """The product of its parts, in order. Once it is 0 the rest is not asked: a gate saves the judge."""

    COMPOSE = "product"

    def _score(self, sample: RewardSample) -> Score:
        scores: list[Score] = []
        for reward in self.rewards:
            scores.append(attempt(reward, sample))
            if not scores[-1].value:
                break
        return self._product(scores)

    async def ascore(self, sample: RewardSample) -> Score:
        """The product, its parts scored one after another."""
        scores: list[Score] = []
        for reward in self.rewards:
            scores.append(await attempt_async(reward, sample))
            if not scores[-1].value:
                break
        return self._product(scores)

    def _product(self, scores: Sequence[Score]) -> Score:
        product, parts = 1.0, dict[str, float]()
        for reward, score in zip(self.rewards, scores, strict=False):
            if score.value is None:
                return _failure_of(reward, score)
            parts |= _parts_of(reward, score)
            product *= score.value
        return Score.of(product, parts)


class FirstApplicable(Composition):
    """The first part whose ``kinds`` hold the question's kind (a part without kinds takes all).

    A kind that no part takes is the error ``bad_gold``, and a complaint of ``check``.
    """

    COMPOSE, BY_KIND = "first_applicable", True

    def applicable(self, sample: RewardSample) -> Reward | None:
        """The part that scores this sample."""
        return next((r for r in self.rewards if not r.kinds or sample.kind in r.kinds), None)

    def check(self, sample: RewardSample) -> str | None:
        """The complaint of the part that scores the sample, or that there is none."""
        reward = self.applicable(sample)
        if reward is None:
            return f"no reward of {self.name!r} takes kind {sample.kind!r}"
        complaint = reward.check(sample)
        return f"{reward.name}: {complaint}" if complaint else None

    def _score(self, sample: RewardSample) -> Score:
        reward = self.applicable(sample)
        return self._passed_on(sample, reward, attempt(reward, sample) if reward else None)

    async def ascore(self, sample: RewardSample) -> Score:
        """The score of the part that applies."""
        reward = self.applicable(sample)
        return self._passed_on(sample, reward, await attempt_async(reward, sample) if reward else None)

    def _passed_on(self, sample: RewardSample, reward: Reward | None, score: Score | None) -> Score:
        if reward is None or score is None:
            return Score.failed("bad_gold", f"sample {sample.id}: {self.check(sample)}")
        if score.value is None:
            return _failure_of(reward, score)
        return Score.of(score.value, _parts_of(reward, score))


def attempt(reward: Reward, sample: RewardSample) -> Score:
    """A score from any scorer: its exception becomes ``scorer_exception``, and so does what is no Score."""
    try:
        return scored(reward.score(sample))
    except Exception as error:
        return Score.failed("scorer_exception", f"{type(error).__name__}: {error}")


async def attempt_async(reward: Reward, sample: RewardSample) -> Score:
    """``attempt`` for a scorer that waits."""
    try:
        return scored(await reward.ascore(sample))
    except Exception as error:
        return Score.failed("scorer_exception", f"{type(error).__name__}: {error}")


def scored(found: object) -> Score:
    """What a scorer returned.

    Raises:
        TypeError: it is no Score.
    """
    if isinstance(found, Score):
        return found
    raise TypeError(f"it returned {found!r:.60}, which is no Score; return Score.of(value)")


def _failure_of(reward: Reward, score: Score) -> Score:
    if score.error is None:
        raise ValueError(f"{reward.name}: the score is no failure")
    return Score.failed(score.error.kind, f"{reward.name}: {score.error.message}")


def _parts_of(reward: Reward, score: Score) -> dict[str, float]:
    if score.value is None:
        raise ValueError(f"{reward.name}: the score has no value")
    return {reward.name: score.value, **{f"{reward.name}.{key}": v for key, v in score.parts.items()}}


def _place(reward: Reward) -> dict[str, Any]:
    weight = {"weight": float(reward.weight)} if reward.weight != 1.0 else {}
    return {**weight, **({"kinds": list(reward.kinds)} if reward.kinds else {})}
