"""How many scorers may fail before a run stops.

Pure. Invariant: the share counts over the newest ``window`` samples, so that a judge that goes down late
in a run is found as soon as one that never was up. A run that is resumed begins a new window.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from psyche_rl.errors import RewardBudgetError
from rewards import RewardSample, Score

TREND = 3
"""With fewer errors there is nothing but bad luck, unless the budget is 0: a first step can be small."""


class ErrorBudget:
    """At most ``share`` of the newest ``window`` samples of the reward ``name`` may lack a score."""

    def __init__(self, name: str, share: float = 0.05, window: int = 512) -> None:
        self._name, self._share = name, share
        self._seen: deque[tuple[RewardSample, Score]] = deque(maxlen=window)

    def spend(self, samples: Sequence[RewardSample], scores: Sequence[Score]) -> None:
        """Count a step's scores.

        Raises:
            RewardBudgetError: too many failed; names the reward, the errors and three examples.
        """
        self._seen.extend(zip(samples, scores, strict=True))
        failed = [(sample, score.error) for sample, score in self._seen if score.error is not None]
        enough = len(failed) >= TREND or (failed and not self._share)
        if not enough or len(failed) <= self._share * len(self._seen):
            return
        kinds = Counter(error.kind for _, error in failed)
        told = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
        examples = "; ".join(f"{s.id}: {error.message} [{s.response[:40]!r}]" for s, error in failed[-3:])
        raise RewardBudgetError(
            f"reward '{self._name}': {len(failed)} of the last {len(self._seen)} scores failed "
            f"(budget {self._share:.0%}): {told}; e.g. {examples}"
        )
