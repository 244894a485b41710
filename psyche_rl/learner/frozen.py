"""A whole model that is only asked, never trained: a member of an own pool of reference models.

Same forward pass, layouts and packing as the learner; no sharding and no optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.attention import attention_of
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.micro_batches import MicroBatches
from psyche_rl.learner.opening import find_layout
from psyche_rl.learner.policy_model import score
from psyche_rl.learner.sequence import TokenSequence
from psyche_rl.rollout.sampling import Sampling


class FrozenModel:
    """Loads ``model_dir`` in the learner's compute type.

    Raises:
        ModelError: ``model_dir`` is no usable model folder, or no model that can be trained here.
    """

    def __init__(self, model_dir: str | Path, config: LearnerConfig, device: torch.device) -> None:
        compute = getattr(torch, config.dtype)
        chosen = attention_of(config.attention, device, compute)
        self._model = load_sharded(
            model_dir, None, device, compute, compute, trainable=False, attention=chosen
        )
        layout = find_layout(self._model, compute, device, str(model_dir))
        self._micro_batches = MicroBatches(config, layout, self._model.one_row, device)

    @torch.no_grad()
    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float = 1.0) -> list[np.ndarray]:
        """Log-probabilities (nats) of each sequence's response tokens, in the order given."""
        return score(self._model, self._micro_batches.of(sequences), len(sequences), Sampling(temperature))
