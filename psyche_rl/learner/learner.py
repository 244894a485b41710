"""One rank of the learner: holds its shard of the model and takes optimizer steps with the others.

Role: SFT and policy steps, log-probabilities of policy and reference, published weights, checkpoints. No
Ray here: the ranks find each other through ``torch.distributed``, which whoever starts them has initialised.
Collaborators: ``loading`` (weights, sharding), ``lora`` (adapters), ``policy_model`` (forward), ``opening``
(what the model bears), ``micro_batches`` (layout), ``objectives`` (losses), ``finite`` (guards),
``outgoing`` (weights and exports), ``checkpointing``.
Invariants:
- Every public method is collective: all ranks call it, in the same order, each with its own sequences
  (perhaps none).
- Loss and gradient depend on neither the number of ranks nor the packing, up to rounding.
- On CPU the same calls give the same bits.
- Nothing that is not finite is applied, saved, published or exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.attention import attention_of
from psyche_rl.learner.backward import Backward
from psyche_rl.learner.checkpointing import BackgroundSaves, learner_state, load_state
from psyche_rl.learner.clipping import clip_gradients
from psyche_rl.learner.finite import Guard, local_gradients
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.lora import adapters_off, add_adapters, start_adapters
from psyche_rl.learner.micro_batches import MicroBatches, TokenCounts
from psyche_rl.learner.objectives import Denominators, PolicyObjective, policy_loss, sft_loss
from psyche_rl.learner.opening import find_layout
from psyche_rl.learner.outgoing import Outgoing
from psyche_rl.learner.partial_gradient import PartialGradient
from psyche_rl.learner.policy_model import Entropy, PolicyModel, score
from psyche_rl.learner.ranks import largest, summed
from psyche_rl.learner.schedule import OptimSettings, learning_rate
from psyche_rl.learner.sequence import PolicySequence, SftSequence, TokenSequence, response_length
from psyche_rl.model_folder import model_folder
from psyche_rl.rollout.sampling import PLAIN, Sampling

Metrics = dict[str, float]


class Learner(Outgoing):
    """One FSDP2 rank (a single rank takes the same path, over a mesh of one).

    Args:
        model_dir: Hugging Face folder to start from; its tokenizer goes into exports.
        device: where this rank computes; the default process group must suit it (gloo or NCCL).
        reference: keep the model as it is now beside the one that is trained, frozen and sharded alike.
        lora: train adapters, beside a model that stays as it is and is its own reference.

    Raises:
        ModelError: ``model_dir`` is no usable model folder, or no model that can be trained here.
    """

    def __init__(
        self,
        model_dir: str | Path,
        config: LearnerConfig,
        optim: OptimSettings,
        device: torch.device,
        reference: bool = False,
        lora: LoraConfig | None = None,
    ) -> None:
        self._given, self._dir = str(model_dir), model_folder(model_dir)
        self._config, self._optim, self._device = config, optim, device
        self._compute = getattr(torch, config.dtype)
        # What is trained is kept in float32 where compute is bfloat16, which is too coarse for small steps.
        master = torch.float32 if self._compute == torch.bfloat16 else self._compute
        self._lora, self._reference = lora, None
        if lora is None:
            self._model = self._open(master)
            if reference:
                self._reference = self._open(self._compute, trainable=False)
        else:
            adapt = partial(add_adapters, config=lora, dtype=master)
            self._model = self._open(self._compute, adapt=adapt)
            start_adapters(self._model.lm, lora.seed or 0)
        self.layout = find_layout(self._model, self._compute, device, str(self._dir))
        self._micro_batches = MicroBatches(config, self.layout, self._model.one_row, device)
        self._adam = torch.optim.AdamW(
            [p for p in self._model.parameters() if p.requires_grad],
            lr=optim.lr,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._saves = BackgroundSaves()
        self.step = 0
        """Optimizer steps taken."""
        self._guard = Guard(self._model, self._adam, device)
        self._partial = PartialGradient()

    # -- training ------------------------------------------------------------------------------
    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics:
        """One optimizer step on the mean NLL of all reply tokens of all ranks.

        Returns:
            loss (nats per token, before the step), grad_norm (before clipping), lr, tokens.

        Raises:
            NonFiniteError: loss or gradient is not finite; the step is not taken.
        """
        (tokens,) = summed([sum(response_length(s) for s in sequences)], self._device)
        denominators = Denominators(int(tokens), 0)

        def backward(some: Sequence[SftSequence]) -> float:
            loss = 0.0
            for batch in self._micro_batches.of(some):
                share = sft_loss(self._model(batch)[0], denominators)
                share.backward()
                loss += share.item()
            return loss

        (loss,) = summed([backward(sequences)], self._device)
        self._guard.keep(sequences, backward)
        self._guard.check("the loss", loss, self.step)
        return {"loss": loss, "tokens": tokens, **self.optimizer_step()}

    def policy_backward(self, sequences: Sequence[PolicySequence], objective: PolicyObjective) -> Backward:
        """The gradient of one mini-batch; means are over unmasked tokens of all ranks.

        A mini-batch may come in parts: until the next step each call adds to the gradient that is there, as
        if all had come at once.

        Sequences without old log-probabilities have those of this very pass, so that their ratio is 1.

        Returns:
            Log-probabilities of these sequences. Metrics of the mini-batch so far: loss, policy_loss, kl,
            entropy, clip_fraction, approx_kl, ratio_mean, ratio_max, tokens, outside_share, fill (share of
            computed tokens that are no padding), prompts_saved (share of tokens that shared prompts save).

        Raises:
            NonFiniteError: the loss is not finite.
        """
        counts = [sum(int(s.mask.sum()) for s in sequences), sum(bool(s.mask.any()) for s in sequences)]
        tokens, rows = summed(counts, self._device)
        before, self._partial = self._partial, PartialGradient()  # what fails is forgotten
        denominators = before.with_counts(int(tokens), int(rows))
        if (shrinkage := before.shrinkage(denominators, objective)) != 1.0:
            torch._foreach_mul_(local_gradients(self._model), shrinkage)
        entropy = Entropy.TRAINED if objective.needs_entropy_gradient else Entropy.SHOWN
        found: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        laid = TokenCounts()

        def shares(some: Sequence[PolicySequence]) -> Iterator[Metrics]:
            for batch in self._micro_batches.of(some, laid):
                logprobs, entropies = self._model(batch, objective.sampling, entropy)
                loss, metrics = policy_loss(logprobs, entropies, batch, some, objective, denominators)
                loss.backward()
                if some is sequences:
                    batch.scatter(logprobs, found)
                yield metrics

        parts = list(shares(sequences))
        totals = summed([sum(part[name] for part in parts) for name in objective.summed], self._device)
        metrics = dict(zip(objective.summed, totals, strict=True))
        every = (*before.sequences, *sequences)
        self._guard.keep(every, lambda some: sum(part["loss"] for part in shares(some)))
        self._guard.check("the loss", metrics["loss"], self.step)
        (ratio_max,) = largest([max((p["ratio_max"] for p in parts), default=0.0)], self._device)
        computed = summed([laid.laid, laid.computed, laid.unshared], self._device)
        self._partial = before.with_part(denominators, metrics, ratio_max, computed, sequences, objective)
        return Backward(found, self._partial.metrics)

    def optimizer_step(self) -> Metrics:
        """Apply the gradient that is there, and forget it.

        Returns:
            grad_norm (before clipping), lr.

        Raises:
            NonFiniteError: the gradient is not finite; nothing is applied.
        """
        self._partial = PartialGradient()
        rate = learning_rate(self._optim, self.step)
        for group in self._adam.param_groups:
            group["lr"] = rate
        norm = clip_gradients(self._model, self._config.max_grad_norm, self._device)
        self._guard.check("the gradient's norm", norm, self.step)
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        self.step += 1
        return {"grad_norm": norm, "lr": rate}

    @torch.no_grad()
    def logprobs(self, sequences: Sequence[TokenSequence], sampling: Sampling = PLAIN) -> list[np.ndarray]:
        """Log-probabilities (nats; -inf where filtered out) of this rank's response tokens, in order."""
        return score(self._model, self._micro_batches.of(sequences), len(sequences), sampling)

    @torch.no_grad()
    def reference_logprobs(
        self, sequences: Sequence[TokenSequence], temperature: float = 1.0
    ) -> list[np.ndarray]:
        """As :meth:`logprobs` without filters, by the model as it was at the start."""
        if self._lora is not None:
            with adapters_off(self._model.lm):
                return self.logprobs(sequences, Sampling(temperature))
        if self._reference is None:
            raise ValueError("this learner was started without a reference")
        return score(
            self._reference, self._micro_batches.of(sequences), len(sequences), Sampling(temperature)
        )

    # -- checkpoints ---------------------------------------------------------------------------
    def save(self, path: str, notes: Mapping[str, float] | None = None) -> None:
        """Begin to write model, optimizer and step, as they are now, to the absent folder or URL ``path``.

        Args:
            notes: figures for the checkpoint's mark.

        Raises:
            NonFiniteError: a weight is not finite.
            RunFolderError: the checkpoint before could not be written.
        """
        self._guard.check_weights("saved", self.step)
        self._saves.begin(
            path, learner_state(self._model, self._adam, self.step, self._lora is not None), notes or {}
        )

    def saved(self) -> None:
        """Wait for what :meth:`save` began.

        Raises:
            RunFolderError: it could not be written.
        """
        self._saves.wait()

    def load(self, path: str) -> int:
        """Restore what :meth:`save` wrote from any number of ranks; returns its step.

        A gradient that is there is forgotten.

        Raises:
            DamagedFolderError: ``path`` holds no whole checkpoint; nothing has changed.
            RunFolderError: it is another model's.
        """
        self.step = load_state(path, self._model, self._adam, self._lora is not None)
        self._adam.zero_grad(set_to_none=True)
        self._partial = PartialGradient()
        return self.step

    # -- inside --------------------------------------------------------------------------------
    def _open(
        self, dtype: torch.dtype, *, trainable: bool = True, adapt: Callable[[Any], None] | None = None
    ) -> PolicyModel:
        return load_sharded(
            self._dir,
            init_device_mesh(self._device.type, (dist.get_world_size(),)),
            self._device,
            dtype,
            self._compute,
            trainable=trainable,
            gradient_checkpointing=trainable and self._config.gradient_checkpointing,
            attention=attention_of(self._config.attention, self._device, self._compute),
            adapt=adapt,
        )
