"""Which well-paid replies a person should look at first: those that look as if they played the reward.

Signs: an empty think block, a reply far longer than the others, repeated text. Only replies in the upper
half of the values seen are looked at: a bad reply with a bad score is the reward at work.

>>> from rewards import RewardSample
>>> def reply(text):
...     return RewardSample(id="1", response=text, gold="B", kind="single")
>>> replies = [reply("<think>A…否 B…是</think>答案：B"), reply("<think></think>答案：B"), reply("答案：C")]
>>> [(item.place, item.signs) for item in suspicious(replies, [1.5, 1.5, 0.0])]
[(1, ('empty think',))]
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rewards.score import RewardSample
from rewards.shipped.repetition import repeated_share
from rewards.text.think_tags import think_blocks

MOST = 20
SHORT_THINK = 5
"""Characters below which a think block says nothing."""
LONG, LONG_CHARS = 4.0, 200
"""Times the median length, and the least length, of a reply that is very long."""
NGRAM, REPEATED = 4, 0.3
"""Share of repeated n-grams from which on a text repeats itself."""


@dataclass(frozen=True)
class Suspect:
    """One reply: its place among those given, what is odd about it, and how much, 0 to 1 a sign."""

    place: int
    value: float
    signs: tuple[str, ...]
    degree: float


def suspicious(
    samples: Sequence[RewardSample], values: Sequence[float | None], most: int = MOST
) -> list[Suspect]:
    """At most ``most`` replies, the oddest first; those without a value are left out."""
    scored = [value for value in values if value is not None]
    if not scored:
        return []
    high = (min(scored) + max(scored)) / 2
    median = max(1.0, statistics.median(len(sample.response) for sample in samples))
    found = []
    for place, (sample, value) in enumerate(zip(samples, values, strict=True)):
        if value is not None and value >= high:
            signs = _signs(sample.response, median)
            if signs:
                found.append(Suspect(place, value, tuple(signs), sum(signs.values())))
    return sorted(found, key=lambda s: (-s.degree, -s.value, s.place))[:most]


def _signs(response: str, median: float) -> dict[str, float]:
    signs = {}
    if any(len(said.strip()) < SHORT_THINK for said in think_blocks(response)):
        signs["empty think"] = 1.0
    if len(response) >= max(LONG * median, LONG_CHARS):
        signs["very long"] = min(1.0, len(response) / median / 10)
    if (share := repeated_share(response, NGRAM)) >= REPEATED:
        signs["repeated text"] = share
    return signs
