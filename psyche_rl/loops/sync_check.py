"""Do engine and learner serve the same policy? Compared on every step's own samples, before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.records import Sample
from psyche_rl.rollout.sampling import Sampling

TOLERANCES = {"float64": 1e-4, "float32": 1e-4, "bfloat16": 0.05}
"""Mean difference that rounding explains, in nats, by the coarser of the two types."""
OUTSIDE = {"float64": 0.01, "float32": 0.01, "bfloat16": 0.05}
"""Share of sampled tokens that rounding may put outside the set that the learner's own top-k and top-p keep,
by the coarser type: tokens at the edge of the set, of which another policy has far more."""
TAIL = 20.0
"""How many times the mean the 99.9th percentile may be; in bfloat16 single tokens differ by half a nat."""


@dataclass(frozen=True)
class SyncCheck:
    """``tolerance``: the largest mean of |logprob(engine) - logprob(learner)|, in nats; ``TAIL`` times
    that for the 99.9th percentile. The largest difference is shown and stops nothing: over 400,000 tokens
    in bfloat16 it exceeds a nat without a fault.

    Where tokens are filtered (``outside`` above 0), those whose log-probability is -inf by the learner have
    no difference: they are counted, and may be that share of all tokens, or one.
    """

    tolerance: float
    outside: float = 0.0

    @classmethod
    def of(cls, config: GrpoConfig) -> SyncCheck:
        """By ``grpo.sync_tolerance``, or what fits the types of learner and engine."""
        types = {config.learner.dtype, "bfloat16" if config.engine.dtype == "auto" else config.engine.dtype}
        tolerance = config.sync_tolerance
        if tolerance is None:
            tolerance = max(TOLERANCES[name] for name in types)
        return cls(tolerance, max(OUTSIDE[name] for name in types) if Sampling.of(config).filters else 0.0)

    def compare(
        self, samples: Sequence[Sample], learner: Sequence[np.ndarray], version: int
    ) -> dict[str, float]:
        """The figures over all tokens of ``samples`` that ``version`` sampled; ``learner`` has one array
        [response] for each. Empty where there is none.

        Raises:
            WeightSyncError: mean or percentile exceed the tolerance, or too many tokens are outside: the
                engine serves other weights.
        """
        differences = np.concatenate(
            [
                (p - s.logprobs)[np.equal(s.weight_versions, version)]
                for s, p in zip(samples, learner, strict=True)
            ]
            or [np.zeros(0)]
        )
        if not differences.size:
            return {}
        found: dict[str, float] = {}
        if self.outside:
            differences, found = self._inside(differences, version)
        gaps = np.abs(differences)
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
            **found,
        }

    def _inside(self, differences: np.ndarray, version: int) -> tuple[np.ndarray, dict[str, float]]:
        """Those of tokens that the learner could have sampled, and the share of the others."""
        outside = np.isneginf(differences)
        share = float(outside.mean())
        if outside.sum() > max(1.0, self.outside * len(outside)) or outside.all():
            raise WeightSyncError(
                f"engine and learner disagree at weight version {version}: {share:.2%} of the sampled tokens "
                f"are outside the learner's own top-k and top-p, where rounding explains {self.outside:.0%}; "
                "the engine does not serve the published weights"
            )
        return differences[~outside], {"sync/outside_share": share}
