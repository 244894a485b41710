"""Penalty for repeated text: minus the share of n-grams that stood before.

1 - distinct / all over the n-grams of the whole reply (loops begin in the think block), tags aside; a unit is
an ideograph or a run of other letters and digits. 0.0 at best, towards -1.0 for a loop, and -1.0 for a
reply without an answer part. Source: the n-gram repetition penalty of Yeo et al. 2025 (arXiv 2502.03373)
in the normalised form of open-r1's ``repetition_penalty``.

    >>> from rewards import Repetition, RewardSample
    >>> def penalty(response, n):
    ...     sample = RewardSample(id="1", response=response, gold="B", kind="single")
    ...     return Repetition(n=n).score(sample).value
    >>> penalty("甲乙甲乙甲乙", n=2), penalty("记忆的三个阶段", n=2), penalty("", n=2)
    (-0.6, 0.0, -1.0)
"""

from __future__ import annotations

import re

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score

_TAG = re.compile(r"</?[A-Za-z]+>")
_UNIT = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]|[^\W_\u3400-\u9fff\U00020000-\U0003ffff]+")


class Repetition(Reward):
    """``-(1 - distinct n-grams / n-grams)``; the default n spares the phrases that Chinese repeats anyway.

    Raises:
        ValueError: n is below 1.
    """

    name = "repetition"

    def __init__(self, n: int = 8) -> None:
        if n < 1:
            raise ValueError(f"n-grams need n >= 1, got {n}")
        self.n = n

    def score(self, sample: RewardSample) -> Score:
        """-1.0 to 0.0; never an error."""
        if not answer_part(sample.response):
            return Score.of(-1.0)
        share = repeated_share(sample.response, self.n)
        return Score.of(-share if share else 0.0)


def repeated_share(text: str, n: int) -> float:
    """The share of n-grams that stood before, 0 to below 1; 0 for a text shorter than n units."""
    units = _UNIT.findall(_TAG.sub(" ", text).casefold())
    grams = list(zip(*(units[start:] for start in range(n)), strict=False))
    return (len(grams) - len(set(grams))) / len(grams) if grams else 0.0
