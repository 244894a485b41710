"""The base of all rewards: a name, a version, settings, and ``score(sample) -> Score``.

Invariants: a reward is pure (the same sample gets the same score) and picklable; ``settings`` hold
everything that changes a score, so that ``fingerprint`` names the rule a run was trained on.

Your own reward in ten lines:

    >>> from rewards import Reward, RewardSample, Score
    >>> class Brevity(Reward):
    ...     name = "brevity"
    ...     def __init__(self, limit: int) -> None:
    ...         self.limit = limit
    ...     def settings(self):
    ...         return {"limit": self.limit}
    ...     def score(self, sample: RewardSample) -> Score:
    ...         return Score.of(float(len(sample.response) <= self.limit))
    >>> Brevity(limit=20).score(RewardSample(id="1", response="答案：B", gold="B", kind="single")).value
    1.0
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from rewards.score import RewardSample, Score


class Reward(ABC):
    """One rule by which a reply is worth something."""

    name: str
    VERSION: ClassVar[int] = 1
    """Raised whenever the rule gives some sample another score than before."""

    @abstractmethod
    def score(self, sample: RewardSample) -> Score:
        """The worth of one reply. A failure is an error in the score; an exception is a defect."""

    def settings(self) -> dict[str, Any]:
        """All JSON-able values that the score depends on."""
        return {}

    def fingerprint(self) -> str:
        """16 hex digits over class, name, version and settings: equal rules have equal ones."""
        rule = {
            "class": type(self).__name__,
            "name": self.name,
            "version": self.VERSION,
            "settings": self.settings(),
        }
        text = json.dumps(rule, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
