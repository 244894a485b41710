"""FSDP2 learner ranks as Ray actors, driven as one learner.

Role: starts the ranks, splits sequences over them, joins their results in the order given.
Collaborators: ``psyche_rl.learner.learner.Learner`` does the work in each rank; ``actors.waits``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import ray

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence, SftSequence, TokenSequence

Metrics = dict[str, float]


class LearnerGroup:
    """All ranks of a learner.

    Every method waits at most ``wait_s``; ``version`` only names the weight version in errors.

    Raises (every method):
        RemoteWaitError: a rank died or did not answer in time.
        PsycheError: what the rank itself raised (ModelError for an unfit model folder).
    """

    def __init__(
        self,
        model_dir: str,
        config: LearnerConfig,
        optim: OptimSettings,
        ranks: int = 1,
        name: str = "learner",
        wait_s: float = 600.0,
    ) -> None:
        """Start ``ranks`` actors and load the Hugging Face folder ``model_dir`` into them."""

    def open(self, model_dir: str, config: LearnerConfig, optim: OptimSettings) -> None:
        """Replace model and optimizer; the processes (8 s each to start) stay."""
        raise NotImplementedError

    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics:
        """One optimizer step on the mean NLL of all response tokens: loss, grad_norm, lr, tokens."""
        raise NotImplementedError

    def logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> list[np.ndarray]:
        """Log-probabilities (float32, nats) of each sequence's response tokens, in the order given."""
        raise NotImplementedError

    def submit_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> PendingLogprobs:
        """Start :meth:`logprobs` and go on; ``.wait()`` on the result gives the same list."""
        raise NotImplementedError

    def policy_step(
        self, sequences: Sequence[PolicySequence], objective: PolicyObjective, version: int | None = None
    ) -> Metrics:
        """One optimizer step on one mini-batch.

        Returns loss, policy_loss, kl, clip_fraction, entropy, approx_kl, ratio_mean, ratio_max,
        grad_norm, lr, tokens; means are over unmasked response tokens of the whole mini-batch.
        """
        raise NotImplementedError

    def full_weights_ref(self, version: int) -> ray.ObjectRef:
        """A reference to one published ``Weights`` object (rank 0 puts it; the driver never holds it).

        Pass it to engines inside a container or as an argument; resolve it only where it is used.
        """
        raise NotImplementedError

    def save(self, path: str) -> None:
        """Checkpoint model, optimizer and step into the folder ``path`` (absent or whole)."""
        raise NotImplementedError

    def load(self, path: str) -> int:
        """Restore :meth:`save`'s state, whatever number of ranks wrote it; returns its step."""
        raise NotImplementedError

    def export(self, path: str) -> None:
        """Write a Hugging Face folder (safetensors, config, tokenizer)."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """End the ranks."""
        raise NotImplementedError


class PendingLogprobs:
    """Log-probabilities under way."""

    def wait(self) -> list[np.ndarray]:
        """Block until they are there."""
        raise NotImplementedError
