"""A causal language model that scores response tokens.

Role: the one forward pass that SFT, policy optimisation, reference and checks share.
Collaborators: transformers loads the model; FSDP2 (``fully_shard``) spreads it; ``packed_batch`` feeds it.
Invariants:
- The output layer sees response positions only, which for a small model halves the work and for a vocabulary
  of 150k keeps the logits in memory.
- There is no dropout, so that a policy's log-probabilities do not depend on the pass that computes them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.utils.checkpoint import checkpoint

from psyche_rl.errors import ModelError
from psyche_rl.learner.packed_batch import PackedBatch
from psyche_rl.model_folder import model_folder

LOGITS_PER_CHUNK = 2**27
"""Logits held at a time (512 MiB in float32); a chunk's are computed again in the backward pass."""

_PREFIX = "lm."


class PolicyModel(nn.Module):
    """Wraps a Hugging Face causal model; its weights keep their Hugging Face names."""

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


def load_policy(
    model_dir: str | Path, dtype: torch.dtype, device: torch.device, gradient_checkpointing: bool = False
) -> PolicyModel:
    """Load a Hugging Face folder on CPU, in ``dtype``; whoever calls places it on ``device``.

    Raises:
        ModelError: the folder is missing something or is no causal language model.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = model_folder(model_dir)
    flash = device.type == "cuda" and importlib.util.find_spec("flash_attn") is not None
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        _switch_off_dropout(config)
        lm = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            attn_implementation="flash_attention_2" if flash else "sdpa",
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelError(f"{folder}: cannot be loaded as a causal language model: {reason}") from None
    if gradient_checkpointing:
        lm.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    lm.train()  # gradient checkpointing works in training mode only; without dropout nothing else differs
    return PolicyModel(lm, one_row=flash)


def shard(model: PolicyModel, mesh: DeviceMesh, compute_dtype: torch.dtype) -> None:
    """Spread the model over ``mesh``, one group per decoder layer and one for the rest.

    Embedding and output layer stay in the root group together, since they may be the same tensor.
    Weights keep their own type; bfloat16 compute casts them on the way in and reduces in float32.
    Gradients are summed over ranks, not averaged: losses come with global denominators already.
    """
    half = compute_dtype == torch.bfloat16
    policy = MixedPrecisionPolicy(compute_dtype, torch.float32) if half else MixedPrecisionPolicy()
    for layer in model.lm.base_model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # Sum in the collective and divide by 1: gloo has no other reduction, and it is exact.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)


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


def _switch_off_dropout(config: Any) -> None:
    for name in vars(config):
        if name.endswith(("dropout", "_pdrop")):
            setattr(config, name, 0.0)
