"""One rank of the learner: holds its shard of the model and takes optimizer steps with the others.

Role: SFT and policy steps, log-probabilities, published weights, checkpoints. No Ray here: the ranks find
each other through ``torch.distributed``, which whoever starts them has initialised.
Collaborators: ``loading`` (weights, sharding), ``policy_model`` (forward), ``packing`` and ``packed_batch``
(layout), ``objectives`` (losses), ``published`` and ``export`` (what goes out), ``checkpointing``.
Invariants:
- Every public method is collective: all ranks call it, in the same order, each with its own sequences
  (perhaps none).
- Loss and gradient depend on neither the number of ranks nor the packing, up to rounding.
- On CPU the same calls give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.adapter_folder import write_adapter_folder
from psyche_rl.learner.checkpointing import load_state, save_state
from psyche_rl.learner.export import write_model_folder
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.lora import adapters_off, add_adapters, merging, named_adapters, start_adapters
from psyche_rl.learner.objectives import (
    SUMMED,
    Denominators,
    PolicyObjective,
    policy_loss,
    sft_loss,
)
from psyche_rl.learner.packed_batch import PackedBatch, collate, filler
from psyche_rl.learner.packing import pack
from psyche_rl.learner.policy_model import score
from psyche_rl.learner.published import published_weights
from psyche_rl.learner.schedule import OptimSettings, learning_rate
from psyche_rl.learner.sequence import PolicySequence, SftSequence, TokenSequence, response_length
from psyche_rl.model_folder import model_folder
from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.arrays import to_numpy

Metrics = dict[str, float]


class Learner:
    """One FSDP2 rank (a single rank takes the same path, over a mesh of one).

    Args:
        model_dir: Hugging Face folder to start from; its tokenizer goes into exports.
        lora: train adapters beside the model, which stays as it is.
        device: where this rank computes; the default process group must suit it (gloo or NCCL).

    Raises:
        ModelError: ``model_dir`` is no usable model folder.
    """

    def __init__(
        self,
        model_dir: str | Path,
        config: LearnerConfig,
        optim: OptimSettings,
        device: torch.device,
        lora: LoraConfig | None = None,
    ) -> None:
        self._dir, self._config, self._optim, self._device = model_folder(model_dir), config, optim, device
        self._ranks = dist.get_world_size()
        self._compute = getattr(torch, config.dtype)
        # Weights are kept in float32 where compute is bfloat16: at the paper's learning rate a step
        # is smaller than bfloat16 can express.
        master = torch.float32 if self._compute == torch.bfloat16 else self._compute
        self._model = load_sharded(
            self._dir,
            init_device_mesh(device.type, (self._ranks,)),
            device,
            # A frozen model takes no steps, so that the type it is computed in will do.
            self._compute if lora else master,
            self._compute,
            gradient_checkpointing=config.gradient_checkpointing,
            adapt=partial(add_adapters, config=lora, dtype=master) if lora else None,
        )
        if lora:
            start_adapters(self._model.lm, lora.seed or 0)
        self._lora = lora
        self._adam = torch.optim.AdamW(
            [p for p in self._model.parameters() if p.requires_grad],
            lr=optim.lr,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step = 0
        """Optimizer steps taken."""

    # -- training ------------------------------------------------------------------------------
    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics:
        """One optimizer step on the mean NLL of all reply tokens of all ranks.

        Returns:
            loss (nats per token, before the step), grad_norm (before clipping), lr, tokens.
        """
        tokens = sum(response_length(s) for s in sequences)
        total = self._reduce([tokens], dist.ReduceOp.SUM)[0]
        denominators = Denominators(int(total), 0)
        loss = 0.0
        for batch in self._batches(sequences):
            logprobs, _ = self._model(batch)
            share = sft_loss(logprobs, denominators)
            share.backward()
            loss += share.item()
        summed = self._reduce([loss], dist.ReduceOp.SUM)[0]
        return {"loss": summed, "tokens": total, **self._update()}

    def policy_step(self, sequences: Sequence[PolicySequence], objective: PolicyObjective) -> Metrics:
        """One optimizer step on ``objective``; means are over unmasked tokens of all ranks.

        Returns:
            loss, policy_loss, kl, entropy, clip_fraction, approx_kl, ratio_mean, ratio_max, tokens,
            grad_norm, lr.
        """
        counts = [sum(int(s.mask.sum()) for s in sequences), sum(bool(s.mask.any()) for s in sequences)]
        tokens, rows = self._reduce(counts, dist.ReduceOp.SUM)
        denominators = Denominators(int(tokens), int(rows))
        sums, ratio_max = dict.fromkeys(SUMMED, 0.0), 0.0
        for batch in self._batches(sequences):
            logprobs, entropy = self._model(batch, objective.temperature, with_entropy=True)
            loss, metrics = policy_loss(logprobs, entropy, batch, sequences, objective, denominators)
            loss.backward()
            sums = {name: sums[name] + metrics[name] for name in SUMMED}
            ratio_max = max(ratio_max, metrics["ratio_max"])
        totals = self._reduce(list(sums.values()), dist.ReduceOp.SUM)
        (highest,) = self._reduce([ratio_max], dist.ReduceOp.MAX)
        return {
            **dict(zip(SUMMED, totals, strict=True)),
            "ratio_max": highest,
            "tokens": tokens,
            **self._update(),
        }

    @torch.no_grad()
    def logprobs(self, sequences: Sequence[TokenSequence], temperature: float = 1.0) -> list[np.ndarray]:
        """Log-probabilities (nats) of the response tokens of this rank's sequences, in their order."""
        return score(self._model, self._batches(sequences), len(sequences), temperature)

    @torch.no_grad()
    def reference_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0
    ) -> list[np.ndarray]:
        """As :meth:`logprobs`, without the adapters."""
        with adapters_off(self._model.lm):
            return self.logprobs(sequences, temperature)

    # -- weights -------------------------------------------------------------------------------
    def full_weights(self) -> Weights | None:
        """All weights under the names of the folder they came from on rank 0, None elsewhere.

        In the compute type, which is what engines serve and what was trained.
        """
        published = {name: to_numpy(t) for name, t in self._published()}
        return published if dist.get_rank() == 0 else None

    def export(self, path: str) -> None:
        """Write a Hugging Face folder or URL (rank 0 writes; all ranks return when it is there)."""
        tensors = self._published()
        if dist.get_rank() == 0:
            write_model_folder(tensors, self._dir, path, self._model.form.config_changes())
        else:
            for _ in tensors:  # taking part is all there is to do
                pass
        dist.barrier()

    def export_adapter(self, path: str) -> None:
        """Write the adapters alone as a folder or URL in peft's format, which belongs to the model that was
        given.

        Raises:
            ValueError: this learner has none.
        """
        if self._lora is None:
            raise ValueError("this learner trains no adapters")
        factors = {name: adapter.whole() for name, adapter in named_adapters(self._model.lm)}
        if dist.get_rank() == 0:
            write_adapter_folder(self._model.lm, factors, str(self._dir), path)
        dist.barrier()

    # -- checkpoints ---------------------------------------------------------------------------
    def save(self, path: str) -> None:
        """Write model, optimizer and step to the folder or URL ``path``."""
        save_state(path, self._model, self._adam, self.step, self._lora is not None)

    def load(self, path: str) -> int:
        """Restore what :meth:`save` wrote from any number of ranks; returns its step.

        Raises:
            RunFolderError: ``path`` holds no whole checkpoint.
        """
        self.step = load_state(path, self._model, self._adam, self._lora is not None)
        return self.step

    # -- inside --------------------------------------------------------------------------------
    def _batches(self, sequences: Sequence[TokenSequence]) -> Iterator[PackedBatch]:
        lengths = [len(s.input_ids) for s in sequences]
        micros = pack(lengths, self._config.row_tokens, self._config.micro_batch_tokens)
        (most,) = self._reduce([len(micros)], dist.ReduceOp.MAX)
        for micro in micros:
            yield collate(sequences, micro, self._model.one_row, self._device)
        for _ in range(int(most) - len(micros)):
            yield filler(self._device)

    def _update(self) -> Metrics:
        rate = learning_rate(self._optim, self.step)
        for group in self._adam.param_groups:
            group["lr"] = rate
        norm = self._clip_gradients()
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        self.step += 1
        return {"grad_norm": norm, "lr": rate}

    def _clip_gradients(self) -> float:
        # On local shards, which are disjoint over ranks: as torch.nn.utils.clip_grad_norm_, without
        # DTensor's dispatch for every tensor, which for a tiny model costs more than the step.
        grads = [_local(p.grad) for p in self._model.parameters() if p.grad is not None]
        norms = torch._foreach_norm([g for g in grads if g.numel()])
        square = sum((n.double() ** 2).item() for n in norms)
        norm = float(np.sqrt(self._reduce([square], dist.ReduceOp.SUM)[0]))
        if norm > self._config.max_grad_norm:
            torch._foreach_mul_(grads, self._config.max_grad_norm / (norm + 1e-6))
        return norm

    def _published(self) -> Iterator[tuple[str, torch.Tensor]]:
        return published_weights(self._model, self._compute, merging(self._model.lm))

    def _reduce(self, values: Sequence[float], op: dist.ReduceOp.RedOpType) -> list[float]:
        if self._ranks == 1:
            return [float(v) for v in values]
        tensor = torch.tensor(values, dtype=torch.float64, device=self._device)
        dist.all_reduce(tensor, op)
        reduced: list[float] = tensor.tolist()
        return reduced


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
