"""Do engine and learner serve the same policy? Compared on every step's own samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from psyche_rl.errors import WeightSyncError
from psyche_rl.loops.step_batch import StepBatch


@dataclass(frozen=True)
class SyncCheck:
    """``tolerance``: the largest |logprob(engine) - logprob(learner)| of one token, in nats."""

    tolerance: float

    def compare(self, batch: StepBatch, learner: Sequence[np.ndarray], version: int) -> dict[str, float]:
        """Largest and mean absolute difference over the step's tokens.

        Raises:
            WeightSyncError: it exceeds the tolerance: the engine serves other weights.
        """
        if not batch.sequences:
            return {}
        gaps = np.concatenate([np.abs(s.logprobs - p) for s, p in zip(batch.samples, learner, strict=True)])
        worst = float(gaps.max())
        if not worst <= self.tolerance:  # also catches NaN
            raise WeightSyncError(
                f"engine and learner disagree by {worst:.3g} nats at weight version {version} "
                f"(grpo.sync_tolerance={self.tolerance:g}); the engine does not serve the published weights"
            )
        return {"sync/logprob_diff_max": worst, "sync/logprob_diff_mean": float(gaps.mean())}
