"""The base of all rewards: a name, a weight, settings, and ``score(sample) -> Score``.

Invariants:
- The same sample gets the same score.
- A reward is picklable.
- Each constructor parameter is a setting and kept as an attribute of the same name, so that a reward can be
  described, rebuilt and fingerprinted without a line of code. ``reward``, ``compose``, ``rewards``, ``name``,
  ``weight`` and ``kinds`` are taken: no setting may be called so.

Your own reward in ten lines:

    >>> from rewards import Reward, RewardSample, Score
    >>> class Brevity(Reward):
    ...     name = "brevity"
    ...     def __init__(self, limit: int) -> None:
    ...         self.limit = limit
    ...     def score(self, sample: RewardSample) -> Score:
    ...         return Score.of(float(len(sample.response) <= self.limit))
    >>> Brevity(limit=20).score(RewardSample(id="1", response="答案：B", gold="B", kind="single")).value
    1.0
    >>> Brevity(limit=20).settings()
    {'limit': 20}
"""

from __future__ import annotations

import copy
import hashlib
import json
from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from rewards.blocking import run_blocking
from rewards.reference import reference_of
from rewards.score import RewardSample, Score
from rewards.settings import current_settings


class Reward(ABC):
    """One rule by which a reply is worth something. A subclass overrides ``score`` or ``ascore``."""

    name: str
    weight: float = 1.0
    """Its factor in a weighted sum; without meaning elsewhere."""
    kinds: tuple[str, ...] = ()
    """The question kinds it is meant for in a first-applicable composition; empty: all."""
    VERSION: ClassVar[int] = 1
    """Raised whenever the rule gives some sample another score than before."""
    INCIDENTAL: ClassVar[frozenset[str]] = frozenset()
    """Settings that no score depends on (deadlines, cache paths): described, but not fingerprinted."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Not in __init_subclass__: a class that travels by value is made first and filled afterwards.
        if cls.score is Reward.score and cls.ascore is Reward.ascore:
            raise TypeError(f"{cls.__name__} defines neither score nor ascore")
        return super().__new__(cls)

    def score(self, sample: RewardSample) -> Score:
        """The worth of one reply. A failure is an error in the score; an exception is a defect."""
        return run_blocking(self.ascore(sample))

    async def ascore(self, sample: RewardSample) -> Score:
        """The same for a scorer that waits, for a judge say."""
        return self.score(sample)

    @property
    def is_async(self) -> bool:
        """Whether scoring waits for something, so that many samples are best scored side by side."""
        return type(self).ascore is not Reward.ascore

    def check(self, sample: RewardSample) -> str | None:
        """Why no reply to this sample's question could ever be scored; None where one could.

        Looks at the question only (gold, options, kind, reference), never at the response. A trainer
        calls it on each question before the first step, so that a broken key is an error at load.
        """
        return None

    def settings(self) -> dict[str, Any]:
        """All that makes this instance, as JSON-able values: the constructor's parameters.

        Raises:
            TypeError: a parameter is not kept as an attribute.
        """
        return current_settings(self)

    def describe(self) -> dict[str, Any]:
        """A plain mapping from which ``load_reward_set`` makes this reward again.

        The weight and the kinds of a reward belong to the composition around it, which adds them.
        """
        own_name = {} if self.name == getattr(type(self), "name", None) else {"name": self.name}
        return {"reward": reference_of(type(self)), **own_name, **self.settings()}

    def fingerprint(self) -> str:
        """16 hex digits over class, version, name and settings: equal rules have equal ones."""
        rule = {key: value for key, value in self.describe().items() if key not in self.INCIDENTAL}
        return digest({**rule, "version": self.VERSION})

    def as_part(self, weight: float = 1.0, kinds: Sequence[str] = (), name: str | None = None) -> Self:
        """A copy with another weight, kinds or name, for use in a composition."""
        part = copy.copy(self)
        part.weight, part.kinds = float(weight), tuple(kinds)
        part.name = self.name if name is None else name
        return part


def digest(rule: Any) -> str:
    """16 hex digits of a JSON-able value, whatever the order of its keys."""
    text = json.dumps(rule, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
