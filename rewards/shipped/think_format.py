"""The reply format of Psyche-R1: ``<think>…</think>`` and then the answer.

One block in just these tags, nothing before it, a non-empty answer after it; a reply cut off at the token
limit fails. What the block says is not judged here.

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
"""

from __future__ import annotations

from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.think_tags import CLOSE, OPEN, think_tags


def has_think_format(response: str) -> bool:
    """Whether a complete reply is one think block followed by an answer; outer blanks are ignored."""
    tags = list(think_tags(response))
    if [response[tag.start : tag.end] for tag in tags] != [OPEN, CLOSE]:
        return False
    return not response[: tags[0].start].strip() and bool(response[tags[1].end :].strip())


class ThinkFormat(Reward):
    """1.0 for a complete reply in the format, else 0.0."""

    name = "think_format"

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; never an error."""
        return Score.of(float(not sample.truncated and has_think_format(sample.response)))
