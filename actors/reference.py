"""The frozen reference model of the KL term, in an actor of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from actors.learner_group import PendingLogprobs
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.sequence import TokenSequence


class ReferenceModel:
    """Handle of one Ray actor that holds the frozen model (``grpo.kl_coef`` 0: do not start one)."""

    def __init__(
        self, model_dir: str, config: LearnerConfig, name: str = "reference", wait_s: float = 600.0
    ) -> None:
        """Start the actor and load the Hugging Face folder ``model_dir``."""

    def submit_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> PendingLogprobs:
        """Start and go on; ``.wait()`` gives what :meth:`logprobs` would."""
        raise NotImplementedError

    def logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> list[np.ndarray]:
        """Log-probabilities (float32, nats) of each sequence's response tokens, in the order given."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """End the actor."""
        raise NotImplementedError
