"""Do engine and learner serve the same policy? Compared on every step's own samples, before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.records import Sample

TOLERANCES = {"float64": 1e-4, "float32": 1e-4, "bfloat16": 0.05}
"""Mean difference that rounding explains, in nats, by the coarser of the two types."""
TAIL = 20.0
"""How many times the mean the 99.9th percentile may be; in bfloat16 single tokens differ by half a nat."""


@dataclass(frozen=True)
class SyncCheck:
    """``tolerance``: the largest mean of |logprob(engine) - logprob(learner)|, in nats; ``TAIL`` times
    that for the 99.9th percentile. The largest difference is shown and stops nothing: over 400,000 tokens
    in bfloat16 it exceeds a nat without a fault.
    """

    tolerance: float

    @classmethod
    def of(cls, config: GrpoConfig) -> SyncCheck:
        """By ``grpo.sync_tolerance``, or what fits the types of learner and engine."""
        if config.sync_tolerance is not None:
            return cls(config.sync_tolerance)
        types = {config.learner.dtype, "bfloat16" if config.engine.dtype == "auto" else config.engine.dtype}
        return cls(max(TOLERANCES[name] for name in types))

    def compare(
        self, samples: Sequence[Sample], learner: Sequence[np.ndarray], version: int
    ) -> dict[str, float]:
        """The figures over all tokens of ``samples`` that ``version`` sampled; ``learner`` has one array
        [response] for each. Empty where there is none.

        Raises:
            WeightSyncError: mean or percentile exceed the tolerance: the engine serves other weights.
        """
        gaps = np.concatenate(
            [
                np.abs(s.logprobs - p)[np.equal(s.weight_versions, version)]
                for s, p in zip(samples, learner, strict=True)
            ]
            or [np.zeros(0)]
        )
        if not gaps.size:
            return {}
        mean, tail = float(gaps.mean()), float(np.percentile(gaps, 99.9))
        if not (mean <= self.tolerance and tail <= TAIL * self.tolerance):  # also catches NaN
            raise WeightSyncError(
                f"engine and learner disagree at weight version {version} by {mean:.3g} nats on average and "
                f"{tail:.3g} at the 99.9th percentile (grpo.sync_tolerance={self.tolerance:g} allows "
                f"{self.tolerance:g} and {TAIL * self.tolerance:g}); the engine does not serve the published "
                "weights"
            )
        return {
            "sync/logprob_diff_mean": mean,
            "sync/logprob_diff_p999": tail,
            "sync/logprob_diff_max": float(gaps.max()),
        }
