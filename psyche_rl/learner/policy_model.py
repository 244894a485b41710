"""A causal language model that scores response tokens.

Role: the one forward pass that SFT, policy optimisation, reference and checks share.
Collaborators: ``loading`` makes the model; ``packed_batch`` feeds it.
Invariants:
- The output layer sees response positions only, which for a small model halves the work and for a vocabulary
  of 150k keeps the logits in memory; what the model does after it is done too (``head``).
- There is no dropout, so that a policy's log-probabilities do not depend on the pass that computes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.utils.checkpoint import checkpoint

from psyche_rl.learner.attention import VARLEN
from psyche_rl.learner.head import logits_of
from psyche_rl.learner.logits_chunk import LOGITS_PER_CHUNK
from psyche_rl.learner.packed_batch import PackedBatch
from psyche_rl.learner.token_logprobs import token_logprobs
from psyche_rl.rollout.sampling import PLAIN, Sampling

if TYPE_CHECKING:
    from psyche_rl.learner.file_format import FileFormat


class Entropy(Enum):
    """What is wanted of the entropy of each position."""

    NONE = 0
    SHOWN = 1
    TRAINED = 2
    """With its gradient."""


class PolicyModel(nn.Module):
    """Wraps a Hugging Face causal model; its weights keep their Hugging Face names."""

    form: FileFormat
    """Of the folder that it was loaded from."""
    places: dict[str, str]
    """Name of a weight in the Hugging Face model -> its name in ``lm``, which may have been wrapped."""

    def __init__(self, lm: Any, attention: str) -> None:
        """``attention``: transformers' name of what ``lm`` was built with."""
        super().__init__()
        self.lm = lm
        self._attention = attention

    @property
    def one_row(self) -> bool:
        """Whether batches must be one row of segments without padding."""
        return self._attention == VARLEN

    def forward(
        self, batch: PackedBatch, sampling: Sampling = PLAIN, entropy: Entropy = Entropy.NONE
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability and entropy (nats; zeros unless asked for), each [R].

        They are of the distribution that the engine draws from by ``sampling``: logits divided by the
        temperature, filtered, normalised again. A response token that the filter leaves out has -inf.
        """
        layout: dict[str, Any] = {}
        if batch.segments is not None:
            layout["segments"] = batch.segments
        elif batch.visible is not None:
            layout["attention_mask"] = self._mask(batch.visible)
        states = self.lm.base_model(
            input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, **layout
        ).last_hidden_state
        hidden = states.flatten(0, 1)[batch.predictors]
        size = max(1, LOGITS_PER_CHUNK // self.lm.config.get_text_config().vocab_size)
        if len(hidden) <= size:
            return self._score(hidden, batch.targets, sampling, entropy)
        parts = [
            checkpoint(self._score, h, t, sampling, entropy, use_reentrant=False)
            for h, t in zip(hidden.split(size), batch.targets.split(size), strict=True)
        ]
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])

    def _score(
        self, hidden: torch.Tensor, targets: torch.Tensor, sampling: Sampling, entropy: Entropy
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits = logits_of(self.lm, hidden)
        logprobs, entropies = token_logprobs(logits, targets, sampling, entropy is not Entropy.NONE)
        return logprobs, entropies if entropy is Entropy.TRAINED else entropies.detach()

    def whole_logits(self, input_ids: torch.Tensor) -> torch.Tensor:
        """[tokens] of one sequence -> [tokens, vocabulary], as the model computes them without us."""
        logits: torch.Tensor = self.lm(input_ids=input_ids[None], use_cache=False).logits[0]
        return logits

    @contextmanager
    def attention(self, name: str) -> Iterator[None]:
        """Compute with another attention for a while."""
        own, self._attention = self._attention, name
        self.lm.set_attn_implementation(name)
        try:
            yield
        finally:
            self._attention = own
            self.lm.set_attn_implementation(own)

    def reshard(self) -> None:
        """Give back what a forward pass without a backward one leaves gathered; else parameters stay
        whole."""
        for module in self.modules():
            if isinstance(module, FSDPModule):
                module.reshard()

    def _mask(self, visible: torch.Tensor) -> torch.Tensor:
        if self._attention != "eager":
            return visible
        zero = torch.zeros((), dtype=self.lm.dtype, device=visible.device)  # the eager path adds its mask
        return torch.where(visible, zero, torch.finfo(zero.dtype).min)


def log_softmax(logits: torch.Tensor) -> torch.Tensor:
    """In float32 at least."""
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    return torch.log_softmax(logits, dim=-1)


def score(
    model: PolicyModel, batches: Iterable[PackedBatch], count: int, sampling: Sampling
) -> list[np.ndarray]:
    """Log-probabilities (float32; float64 for a float64 model) of ``count`` sequences, in their order."""
    scored: list[np.ndarray] = [np.zeros(0)] * count
    for batch in batches:
        batch.scatter(model(batch, sampling)[0], scored)
    model.reshard()
    return scored
