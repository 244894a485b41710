"""A model that is only asked, never trained: the reference of the KL term.

Same forward pass and packing as the learner; no sharding and no optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.packed_batch import collate
from psyche_rl.learner.packing import pack
from psyche_rl.learner.policy_model import score
from psyche_rl.learner.sequence import TokenSequence


class FrozenModel:
    """Loads ``model_dir`` in the learner's compute type.

    Raises:
        ModelError: ``model_dir`` is no usable model folder.
    """

    def __init__(self, model_dir: str | Path, config: LearnerConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        compute = getattr(torch, config.dtype)
        self._model = load_sharded(model_dir, None, device, compute, compute, trainable=False)

    @torch.no_grad()
    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float = 1.0) -> list[np.ndarray]:
        """Log-probabilities (nats) of each sequence's response tokens, in the order given."""
        lengths = [len(s.input_ids) for s in sequences]
        micros = pack(lengths, self._config.row_tokens, self._config.micro_batch_tokens)
        batches = (collate(sequences, m, self._model.one_row, self._device) for m in micros)
        return score(self._model, batches, len(sequences), temperature)
