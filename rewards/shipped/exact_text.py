"""Equality with the gold text, spelling aside.

What the answer part states (``<answer>…</answer>``, ``\\boxed{…}``, 答案：…, else all of it) equals the gold
after NFKC, case folding and without blanks and final punctuation. ``|`` in the gold parts accepted answers.
A reply cut off at the token limit is worth 0: its end may be missing. Source: exact match of SQuAD
(Rajpurkar et al. 2016) with the folding that Chinese text needs in place of English articles.

    >>> from rewards import ExactText, RewardSample
    >>> ask = dict(id="q1/0", gold="艾宾浩斯|Ebbinghaus", kind="short")
    >>> [ExactText().score(RewardSample(response=r, **ask)).value
    ...  for r in ("答案：艾宾浩斯。", "<think>…</think>ＥＢＢＩＮＧＨＡＵＳ", "艾宾浩斯或冯特", "")]
    [1.0, 1.0, 0.0, 0.0]
"""

from __future__ import annotations

from rewards.reply import answer_part, stated_answer
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_text

_QUOTES = "\"'“”‘’《》「」"
_STOPS = ".。!?,;:、"


class ExactText(Reward):
    """1.0 where the stated text is an accepted one, else 0.0."""

    name = "exact_text"

    def check(self, sample: RewardSample) -> str | None:
        """A gold without a text."""
        return None if _accepted(sample.gold) else f"gold {sample.gold!r} is empty"

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; error ``bad_gold`` where the gold is empty."""
        accepted = _accepted(sample.gold)
        if not accepted:
            return Score.failed("bad_gold", f"sample {sample.id}: {self.check(sample)}")
        said = _folded(stated_answer(answer_part(sample.response)))
        return Score.of(float(said in accepted and not sample.truncated))


def _accepted(gold: str) -> set[str]:
    return set(filter(None, map(_folded, gold.split("|"))))


def _folded(text: str) -> str:
    together = "".join(canonical_text(text).split())  # blanks mean nothing
    return together.rstrip(_STOPS + _QUOTES).lstrip(_QUOTES).casefold()
