"""What the GRPO loop asks of its components; ``actors`` implements these with Ray.

Components never see the loop: it holds them, calls them in order and passes data between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from psyche_rl.learner.sequence import PolicySequence
from psyche_rl.records import GenerationRequest, Sample
from rewards import RewardSample, Score


class Rollouts(Protocol):
    """A pool of rollout engines that all serve one weight version."""

    def generate(self, requests: Sequence[GenerationRequest], version: int) -> list[list[Sample]]:
        """``n`` samples for each request, in the order given, sampled at ``version``."""
        ...

    def publish(self, weights: Any, version: int) -> str:
        """Serve ``weights`` (one published object) as ``version``; returns their checksum."""
        ...


class Scorers(Protocol):
    """A pool of reward workers."""

    def score(self, samples: Sequence[RewardSample], version: int) -> list[Score]:
        """One score or typed error for each sample, in the order given."""
        ...


class Reference(Protocol):
    """The frozen reference policy."""

    def start_logprobs(self, sequences: Sequence[PolicySequence], version: int) -> Any:
        """Begin computing; the handle goes to :meth:`finish_logprobs`."""
        ...

    def finish_logprobs(self, handle: Any) -> list[np.ndarray]:
        """Response-token logprobs for each sequence, in the order given."""
        ...


class PolicyLearner(Protocol):
    """The trained policy."""

    def logprobs(self, sequences: Sequence[PolicySequence], version: int) -> list[np.ndarray]:
        """Response-token logprobs under the current weights."""
        ...

    def policy_step(self, sequences: Sequence[PolicySequence], version: int) -> dict[str, float]:
        """One optimizer step; returns its metrics."""
        ...

    def published_weights(self, version: int) -> Any:
        """The current full weights as one published object (an ObjectRef on Ray)."""
        ...

    def save(self, path: str, version: int) -> None:
        """Write model, optimizer and schedule."""
        ...

    def load(self, path: str, version: int) -> None:
        """Read what :meth:`save` wrote, on any number of ranks."""
        ...
