"""Elastic correctness of choice questions: part of the gold earns its share, a wrong letter costs all.

``|pred| / |gold|`` if pred is a non-empty subset of gold, else 0. Source: the elastic accuracy of
PsycoLLM's exam benchmark (arXiv 2407.05721), which Psyche-R1 (arXiv 2508.10848) reports beside the strict
one. Only the answer part is judged. Rewards under-selection: for training prefer ``mcq_strict``, or sum the
two.

    >>> from rewards import McqElastic, RewardSample
    >>> ask = dict(id="q1/0", gold="ABD", kind="multiple", options=("记忆", "遗忘", "感觉", "知觉"))
    >>> [round(McqElastic().score(RewardSample(response=r, **ask)).value, 3)
    ...  for r in ("AD", "ADB", "ABC", "")]
    [0.667, 1.0, 0.0, 0.0]
"""

from __future__ import annotations

from rewards.shipped.mcq import McqReward


class McqElastic(McqReward):
    """The share of the gold letters chosen; 0.0 with any other letter."""

    name = "mcq_elastic"

    def worth(self, chosen: frozenset[str], gold: frozenset[str]) -> float:
        """0.0 to 1.0."""
        return len(chosen) / len(gold) if chosen <= gold else 0.0
