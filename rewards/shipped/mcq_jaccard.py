"""Overlap of chosen and gold letters: |pred ∩ gold| / |pred ∪ gold|.

Source: Jaccard's coefficient (1901), the usual set measure of multi-label answers. Only the answer part
is judged. Choosing all options earns |gold| / |options|: a floor to know before training on it.

    >>> from rewards import McqJaccard, RewardSample
    >>> ask = dict(id="q1/0", gold="ABD", kind="multiple", options=("记忆", "遗忘", "感觉", "知觉"))
    >>> [McqJaccard().score(RewardSample(response=r, **ask)).value for r in ("ABD", "ABC", "ABCD", "C")]
    [1.0, 0.5, 0.75, 0.0]
"""

from __future__ import annotations

from rewards.shipped.mcq import McqReward


class McqJaccard(McqReward):
    """Intersection over union of the letters."""

    name = "mcq_jaccard"

    def worth(self, chosen: frozenset[str], gold: frozenset[str]) -> float:
        """0.0 to 1.0."""
        return len(chosen & gold) / len(chosen | gold)
