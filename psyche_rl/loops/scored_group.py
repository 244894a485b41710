"""A group of samples with their scores, and whether it can be learned from.

Pure. Collaborators: ``producer`` (asynchronous mode) and ``refill_rounds`` (sync mode) make them and let go
those that teach nothing; ``GrpoSteps.weigh`` makes a step's batch of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import LedgerError
from psyche_rl.ledger.balance import Amount
from psyche_rl.loops.step_batch import Rollout
from psyche_rl.loops.step_rewards import punished
from rewards import RewardSample, Score


@dataclass(frozen=True)
class ScoredGroup:
    """With one score or typed error for each sample."""

    rollout: Rollout
    samples: tuple[RewardSample, ...]
    scores: tuple[Score, ...]

    @property
    def name(self) -> str:
        """Of its request."""
        if self.rollout.request is None:
            raise LedgerError("a group was scored whose request was not kept")
        return self.rollout.request.id

    @property
    def lengths(self) -> dict[str, int]:
        """Response tokens of the samples that have a score, by id."""
        scored = zip(self.rollout.samples, self.scores, strict=True)
        return {s.id: len(s.response_ids) for s, score in scored if score.value is not None}

    @property
    def amount(self) -> Amount:
        """The same, added up."""
        lengths = self.lengths
        return Amount(1, len(lengths), sum(lengths.values()))

    def teaches_nothing(self, config: GrpoConfig) -> Literal["errored", "filtered"] | None:
        """Why it is not trained on: too few scores for a baseline, or with ``dynamic_sampling`` the same
        reward for all; None if it is."""
        scored = zip(self.rollout.samples, self.samples, self.scores, strict=True)
        rated = [punished(score, len(s.response_ids), given, config) for s, given, score in scored]
        values = [score.value for score in rated if score.value is not None]
        if len(values) < config.reward.min_scores:
            return "errored"
        return "filtered" if config.dynamic_sampling and min(values) == max(values) else None
