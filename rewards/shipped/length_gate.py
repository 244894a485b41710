"""A gate on the length of the answer part, for use in a product.

Counts the characters of what stands after the think block, outer blanks aside; a reply cut off at the token
limit is out. Ours, without a source beyond common practice.

    >>> from rewards import LengthGate, RewardSample
    >>> gate = LengthGate(max_chars=5)
    >>> [gate.score(RewardSample(id="1", response=r, gold="B", kind="single")).value
    ...  for r in ("<think>想了很久很久</think>答案：B", "答案当然是：B", "")]
    [1.0, 0.0, 0.0]
"""

from __future__ import annotations

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score


class LengthGate(Reward):
    """1.0 for an answer of ``min_chars`` to ``max_chars`` characters, else 0.0.

    Raises:
        ValueError: not 1 <= min_chars <= max_chars.
    """

    name = "length_gate"

    def __init__(self, max_chars: int, min_chars: int = 1) -> None:
        if not 1 <= min_chars <= max_chars:
            raise ValueError(f"1 <= min_chars <= max_chars is needed, got {min_chars} and {max_chars}")
        self.max_chars, self.min_chars = max_chars, min_chars

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; never an error."""
        length = len(answer_part(sample.response))
        return Score.of(float(not sample.truncated and self.min_chars <= length <= self.max_chars))
