"""The loss of SFT examples that are not trained on: when it is measured, and when training on has no use.

Collaborators: ``loops.sft`` asks, the learner computes log-probabilities, ``evaluation.split`` chose them.
Invariants:
- Measuring changes nothing that is trained.
- What is decided rests on the losses in the metric rows alone, so a run that goes on from a checkpoint
  decides as one that was never cut off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from psyche_rl.learner.sequence import SftSequence, response_length

DEV_LOSS = "dev_loss"
"""In the metric rows: nats per reply token, after the step."""
MINUS_DEV_LOSS = "minus_dev_loss"
"""What the best checkpoint is the best by: the greater the better."""
AT_ONCE = 256
"""Examples that a call of the learner takes."""


class Predicts(Protocol):
    """The learner, as far as measuring goes."""

    def logprobs(self, sequences: Sequence[SftSequence]) -> list[np.ndarray]: ...


@dataclass
class HeldOut:
    """Examples of one run whose loss is measured every ``every`` steps and at the end.

    ``patience``: training ends after so many measurements in a row that are not the best so far; 0: never.
    """

    sequences: Sequence[SftSequence]
    every: int
    patience: int = 0
    losses: list[float] = field(default_factory=list)
    """Of all measurements so far."""

    def due(self, step: int, total: int) -> bool:
        """Whether to measure after ``step`` (from 1) of ``total``."""
        return len(self.sequences) > 0 and (step % self.every == 0 or step == total)

    def measure(self, learner: Predicts) -> float:
        """Mean negative log-likelihood of all reply tokens; a token without finite loss makes it infinite."""
        total, tokens = 0.0, 0
        for start in range(0, len(self.sequences), AT_ONCE):
            some = list(self.sequences[start : start + AT_ONCE])
            total -= sum(float(np.sum(found, dtype=np.float64)) for found in learner.logprobs(some))
            tokens += sum(response_length(sequence) for sequence in some)
        loss = total / tokens
        self.losses.append(loss if math.isfinite(loss) else math.inf)
        return self.losses[-1]

    def go_on(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Know what an earlier attempt measured, from its metric rows."""
        self.losses = [row[DEV_LOSS] for row in rows if row.get(DEV_LOSS) is not None]

    @property
    def is_exhausted(self) -> bool:
        """Whether the last ``patience`` measurements were all worse than the best before them."""
        if not self.patience or len(self.losses) <= self.patience:
            return False
        return min(self.losses[-self.patience :]) >= min(self.losses[: -self.patience])
