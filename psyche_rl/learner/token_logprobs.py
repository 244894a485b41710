"""Log-probability and entropy of tokens, with their gradient, from logits.

Role: what ``log_softmax``, ``nll_loss`` and an entropy would compute, in one pass forward and one back.
Collaborators: ``policy_model``, which has the logits; ``sampling_filter`` for top-k and top-p.
Invariants:
- Float32 at least, whatever the logits' type.
- A token whose entry is -inf, be it by a filter, has log-probability -inf and no gradient.
- On a CPU a few rows are worked on at a time, so that they stay in its cache: over 2,000 entries a third of a
  tiny model's step went into passes over whole [R, vocabulary] arrays.
- Probabilities are the one array of that size that is kept; the backward pass turns it into the gradient, so
  there can be only one.
"""

from __future__ import annotations

from typing import Any

import torch

from psyche_rl.learner.sampling_filter import leave_out
from psyche_rl.rollout.sampling import PLAIN, Sampling

CACHED = 2**16
"""Entries of float32 that a core works on at a time: 256 KiB, beside which the output fits its cache."""


def token_logprobs(
    logits: torch.Tensor, targets: torch.Tensor, sampling: Sampling = PLAIN, entropy: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the distribution that ``sampling`` makes of ``logits`` [R, vocabulary], in nats.

    Returns:
        Log-probability of each of ``targets`` [R]; entropy [R], zeros unless asked for. Both have gradients.
    """
    compute: Any = _TokenLogprobs.apply
    found: tuple[torch.Tensor, torch.Tensor] = compute(logits, targets, sampling, entropy)
    return found


class _TokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, targets: torch.Tensor, sampling: Sampling, entropy: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        wide = logits.dtype if logits.dtype == torch.float64 else torch.float32
        logprobs = torch.empty(len(logits), dtype=wide, device=logits.device)
        entropies = torch.zeros_like(logprobs)
        kept = torch.empty_like(logits, dtype=wide) if ctx.needs_input_grad[0] else None
        for rows in _rows(logits):
            scaled = logits[rows].to(wide, copy=sampling.filters)
            if sampling.temperature != 1.0:
                scaled = scaled / sampling.temperature
            if sampling.filters:
                leave_out(scaled, sampling)
            p = torch.softmax(scaled, dim=-1, out=None if kept is None else kept[rows])
            # log(sum(exp)), from the largest entry and its probability.
            total = scaled.amax(-1) - p.amax(-1).log()
            logprobs[rows] = scaled.gather(1, targets[rows, None])[:, 0] - total
            if entropy:
                entropies[rows] = total - torch.linalg.vecdot(p, scaled.clamp(min=torch.finfo(wide).min))
        ctx.temperature, ctx.dtype, ctx.kept = sampling.temperature, logits.dtype, kept
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(targets, entropies, torch.isneginf(logprobs))
        return logprobs, entropies

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, of_logprobs: torch.Tensor | None, of_entropies: torch.Tensor | None
    ) -> tuple[torch.Tensor, None, None, None]:
        targets, entropies, outside = ctx.saved_tensors
        gradient, ctx.kept = ctx.kept, None
        given = torch.zeros_like(entropies) if of_logprobs is None else of_logprobs
        share = given.masked_fill(outside, 0.0) / ctx.temperature
        for rows in _rows(gradient):
            p = gradient[rows]
            if of_entropies is None:
                p.mul_(-share[rows, None])
            else:
                slope = torch.special.entr(p).sub_(p * entropies[rows, None])
                p.mul_(-share[rows, None])
                p.addcmul_(slope, of_entropies[rows, None] / ctx.temperature)
            p.scatter_add_(1, targets[rows, None], share[rows, None])
        return gradient.to(ctx.dtype), None, None, None


def _rows(matrix: torch.Tensor) -> list[slice]:
    count, size = matrix.shape
    step = max(1, CACHED // size) if matrix.device.type == "cpu" else max(1, count)
    return [slice(first, first + step) for first in range(0, count, step)]
