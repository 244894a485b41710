"""What all choice-question rewards share: the gold key, and the letters that the reply commits to."""

from __future__ import annotations

from abc import abstractmethod

from rewards.extraction import extract_answer
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_gold


class McqReward(Reward):
    """Compares the letters of the answer part with the gold letters.

    A reply without an answer (none stated, ambiguous, out of range, an unclosed think block) is worth 0.
    """

    VERSION = 2

    def check(self, sample: RewardSample) -> str | None:
        """A gold that is empty or names no existing option."""
        try:
            canonical_gold(sample.gold, len(sample.options) or None)
        except ValueError as error:
            return str(error)
        return None

    def score(self, sample: RewardSample) -> Score:
        """0 to 1; error ``bad_gold`` where the gold is empty or names no existing option."""
        try:
            gold = canonical_gold(sample.gold, len(sample.options) or None)
        except ValueError as error:
            return Score.failed("bad_gold", f"sample {sample.id}: {error}")
        letters = extract_answer(sample.response, sample.options, sample.stem or sample.prompt).letters
        return Score.of(self.worth(frozenset(letters), frozenset(gold)) if letters else 0.0)

    @abstractmethod
    def worth(self, chosen: frozenset[str], gold: frozenset[str]) -> float:
        """The worth of a non-empty choice, 0 to 1."""
