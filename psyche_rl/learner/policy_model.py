"""A causal language model that scores response tokens.

Role: the one forward pass that SFT, policy optimisation, reference and checks share.
Collaborators: ``loading`` makes the model; ``packed_batch`` feeds it.
Invariants:
- The output layer sees response positions only, which for a small model halves the work and for a vocabulary
  of 150k keeps the logits in memory.
- There is no dropout, so that a policy's log-probabilities do not depend on the pass that computes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from psyche_rl.learner.packed_batch import PackedBatch

if TYPE_CHECKING:
    from psyche_rl.learner.file_format import FileFormat

LOGITS_PER_CHUNK = 2**27
"""Logits held at a time (512 MiB in float32); a chunk's are computed again in the backward pass."""

_PREFIX = "lm."


class PolicyModel(nn.Module):
    """Wraps a Hugging Face causal model; its weights keep their Hugging Face names."""

    form: FileFormat
    """Of the folder that it was loaded from."""
    places: dict[str, str]
    """Name of a weight in the Hugging Face model -> its name in ``lm``, which may have been wrapped."""

    def __init__(self, lm: Any, one_row: bool) -> None:
        super().__init__()
        self.lm = lm
        self.one_row = one_row
        """Whether batches must be one padding-free row (variable-length flash-attn)."""

    def forward(
        self, batch: PackedBatch, temperature: float = 1.0, with_entropy: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability and entropy (nats; no gradient; zeros unless asked for), each [R].

        ``temperature`` divides the logits, as the engine does when it samples at that temperature.
        """
        states = self.lm.base_model(
            input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False
        ).last_hidden_state
        hidden = states.flatten(0, 1)[batch.predictors]
        size = max(1, LOGITS_PER_CHUNK // self.lm.config.vocab_size)
        if len(hidden) <= size:
            return self._score(hidden, batch.targets, temperature, with_entropy)
        parts = [
            checkpoint(self._score, h, t, temperature, with_entropy, use_reentrant=False)
            for h, t in zip(hidden.split(size), batch.targets.split(size), strict=True)
        ]
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])

    def _score(
        self, hidden: torch.Tensor, targets: torch.Tensor, temperature: float, with_entropy: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.lm.get_output_embeddings()(hidden)
        if logits.dtype not in (torch.float32, torch.float64):
            logits = logits.float()
        if temperature != 1.0:
            logits = logits / temperature
        every = torch.log_softmax(logits, dim=-1)
        logprobs = -torch.nn.functional.nll_loss(every, targets, reduction="none")
        if not with_entropy:
            return logprobs, torch.zeros_like(logprobs)
        with torch.no_grad():
            entropy = -(every.exp() * every).sum(-1)
        return logprobs, entropy

    def named_weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Parameters (DTensors if sharded) under Hugging Face names; tied ones once."""
        for name, parameter in self.named_parameters():
            yield name.removeprefix(_PREFIX), parameter


def score(
    model: PolicyModel, batches: Iterable[PackedBatch], count: int, temperature: float
) -> list[np.ndarray]:
    """Log-probabilities (float32; float64 for a float64 model) of ``count`` sequences, in their order."""
    scored: list[np.ndarray] = [np.zeros(0)] * count
    for batch in batches:
        flat, _ = model(batch, temperature)
        for index, part in zip(batch.members, batch.split(flat.detach().cpu().numpy()), strict=True):
            scored[index] = part
    return scored
