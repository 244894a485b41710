"""The frozen reference model of the KL term, in an actor of its own.

Collaborators: the learner's forward pass (``policy_model``, ``packing``), so that policy and reference
differ in weights only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from actors.learner.group import LogprobsUnderWay, learner_resources
from actors.waits import Waiting, wait
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.sequence import TokenSequence


class _Frozen:
    """The actor: the frozen model on its device."""

    def open(self, model_dir: str, config: LearnerConfig) -> None:
        """Load the model (apart from construction, so that its errors come back as themselves)."""
        import torch

        if config.threads is not None:
            torch.set_num_threads(config.threads)
        from psyche_rl.learner.frozen import FrozenModel

        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        self._model = FrozenModel(model_dir, config, device)

    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float) -> Any:
        """As the learner's."""
        return self._model.logprobs(sequences, temperature)


class ReferenceModel:
    """Handle of one Ray actor that holds the frozen model (``grpo.kl_coef`` 0: do not start one).

    Raises (every method):
        RemoteWaitError: the actor died or did not answer in time.
        ModelError: the model folder is unfit.
    """

    def __init__(
        self, model_dir: str, config: LearnerConfig, name: str = "reference", wait_s: float = 600.0
    ) -> None:
        """Start the actor, which loads the Hugging Face folder ``model_dir``; returns at once."""
        self._name, self._wait_s = name, wait_s
        start: Any = ray.remote(_Frozen).options(**learner_resources())
        self._actor = start.remote()
        self._loading: Any = self._actor.open.remote(str(model_dir), config)

    def submit_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> LogprobsUnderWay:
        """Start and go on; ``.wait()`` gives what :meth:`logprobs` would."""
        if self._loading is not None:
            wait(self._loading, Waiting(self._name, "load model", None, self._wait_s))
            self._loading = None
        ref = self._actor.logprobs.remote(list(sequences), temperature)
        waiting = Waiting(self._name, "reference logprobs", version, self._wait_s)
        return LogprobsUnderWay([ref], [range(len(sequences))], waiting)

    def logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0, version: int | None = None
    ) -> list[np.ndarray]:
        """Log-probabilities (float32, nats) of each sequence's response tokens, in the order given."""
        return self.submit_logprobs(sequences, temperature, version).wait()

    def shutdown(self) -> None:
        """End the actor."""
        ray.kill(self._actor)


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import LogprobModel

    _: type[LogprobModel] = ReferenceModel
