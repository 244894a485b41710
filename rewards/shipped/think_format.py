"""The reply format of Psyche-R1: ``<think>…</think>`` and then the answer.

One block in just these tags, nothing before it, a non-empty answer after it; a reply cut off at the token
limit fails. What the block says is not judged here, but whether it says anything can be: with
``allow_empty=False`` a block of nothing but blanks, as models write that were told not to think, is worth 0.
The verdict on every other shape of reply stands in docs/rewards.md.

    >>> from rewards import RewardSample, ThinkFormat
    >>> def form(response, truncated=False):
    ...     sample = RewardSample(id="1", response=response, gold="B", kind="single", truncated=truncated)
    ...     return ThinkFormat().score(sample).value
    >>> form("<think>A…否 B…是</think>答案：B")
    1.0
    >>> form("好的。<think>…</think>答案：B"), form("<think>…</think>"), form("答案：B")
    (0.0, 0.0, 0.0)
    >>> form("<think>…</think>答案：B", truncated=True)
    0.0
    >>> empty = RewardSample(id="1", response="<think>\\n\\n</think>\\n\\n答案：B", gold="B", kind="single")
    >>> ThinkFormat().score(empty).value, ThinkFormat(allow_empty=False).score(empty).value
    (1.0, 0.0)
"""

from __future__ import annotations

from typing import Any

from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.think_tags import CLOSE, OPEN, think_tags


def has_think_format(response: str, allow_empty: bool = True) -> bool:
    """Whether a complete reply is one think block followed by an answer; outer blanks are ignored."""
    tags = list(think_tags(response))
    if [response[tag.start : tag.end] for tag in tags] != [OPEN, CLOSE]:
        return False
    begin, end = tags
    says_something = allow_empty or bool(response[begin.end : end.start].strip())
    return says_something and not response[: begin.start].strip() and bool(response[end.end :].strip())


class ThinkFormat(Reward):
    """1.0 for a complete reply in the format, else 0.0; ``allow_empty``: also where the block is empty."""

    name = "think_format"

    def __init__(self, allow_empty: bool = True) -> None:
        self.allow_empty = allow_empty

    def settings(self) -> dict[str, Any]:
        """Without the default, so that rewards from before there was a choice keep their fingerprint."""
        return {} if self.allow_empty else {"allow_empty": False}

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; never an error."""
        return Score.of(float(not sample.truncated and has_think_format(sample.response, self.allow_empty)))
