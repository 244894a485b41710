"""Strict correctness of choice questions: all of the gold letters and nothing else.

Source: CPsyExam and PCEB score so; the answer reward of Psyche-R1 (section 4.1) likewise. Under- and
over-selection are both worth 0; whether a reply could be read at all is not told apart here (see
``extract_answer`` for the rule that fired).

    >>> from rewards import McqStrict, RewardSample
    >>> ask = dict(id="q1/0", gold="AC", kind="multiple", options=("记忆", "遗忘", "感觉", "知觉"))
    >>> reward = McqStrict()
    >>> reward.score(RewardSample(response="<think>…</think>答案：A、C", **ask)).value
    1.0
    >>> reward.score(RewardSample(response="<think>答案：AC</think>答案：A", **ask)).value
    0.0
    >>> reward.score(RewardSample(response="答案：A", **{**ask, "gold": " "})).error.kind
    'bad_gold'
"""

from __future__ import annotations

from rewards.shipped.mcq import McqReward


class McqStrict(McqReward):
    """1.0 where the extracted letters equal the gold letters, else 0.0."""

    name = "mcq_strict"

    def worth(self, chosen: frozenset[str], gold: frozenset[str]) -> float:
        """0.0 or 1.0."""
        return float(chosen == gold)
