"""What the parts of a mini-batch that have come so far leave behind, for the next part to be added to.

Role: a mini-batch's sequences may come in several backward passes. Each divides by the counts of all so far,
and shrinks what was there to the same measure, so that the gradient is that of one mean at any moment.
Collaborator: ``learner``, which forgets it with every step that is taken or refused.
Invariant: a mini-batch that comes whole is not touched by any of this, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from psyche_rl.learner.objectives import Denominators, PolicyObjective
from psyche_rl.learner.sequence import PolicySequence

BY_DIVISOR = ("loss", "policy_loss")
"""Metrics that are divided as the loss is; the others are means over tokens."""


@dataclass(frozen=True)
class PartialGradient:
    """Figures are over all ranks; ``sequences`` are this rank's."""

    counts: Denominators = field(default_factory=lambda: Denominators(0, 0))
    totals: Mapping[str, float] = field(default_factory=dict)
    """Metrics by name, divided by ``counts``."""
    ratio_max: float = 0.0
    laid: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Tokens laid out, computed and unshared."""
    sequences: tuple[PolicySequence, ...] = ()

    def with_counts(self, tokens: int, sequences: int) -> Denominators:
        """The counts once a part of these is there too."""
        return Denominators(self.counts.tokens + tokens, self.counts.sequences + sequences)

    def shrinkage(self, counts: Denominators, objective: PolicyObjective) -> float:
        """What the gradient that is there is worth among ``counts``; 1 where there is none."""
        return _share(objective.divisor(self.counts), objective.divisor(counts)) if self.totals else 1.0

    def with_part(
        self,
        counts: Denominators,
        totals: Mapping[str, float],
        ratio_max: float,
        laid: Sequence[float],
        sequences: Sequence[PolicySequence],
        objective: PolicyObjective,
    ) -> PartialGradient:
        """All so far and one more part, whose ``totals`` are divided by ``counts``, those of both."""
        both = PartialGradient(counts, totals, ratio_max, tuple(laid), tuple(sequences))
        if not self.totals:
            return both
        by_divisor = self.shrinkage(counts, objective)
        by_tokens = _share(self.counts.tokens, counts.tokens)
        return replace(
            both,
            totals={
                name: value + self.totals[name] * (by_divisor if name in BY_DIVISOR else by_tokens)
                for name, value in totals.items()
            },
            ratio_max=max(self.ratio_max, ratio_max),
            laid=tuple(before + new for before, new in zip(self.laid, laid, strict=True)),
            sequences=(*self.sequences, *sequences),
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the mini-batch so far, as ``Learner.policy_backward`` returns them."""
        laid, computed, unshared = self.laid
        return {
            **self.totals,
            "ratio_max": self.ratio_max,
            "tokens": float(self.counts.tokens),
            "fill": laid / max(1, computed),
            "prompts_saved": 1 - laid / max(1, unshared),
        }


def _share(before: int, now: int) -> float:
    return before / (now or 1)
