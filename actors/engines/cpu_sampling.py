"""Drawing the tokens of seeded requests on a CPU, one random number for each token.

Role: takes the place of ``TopKTopPSampler.forward_cpu`` in the engines of this project, which draws an
exponential for every entry of the vocabulary (40 % of a tiny model's time at 2,000 entries, and more at
150,000).
Collaborator: ``actors.engines.vllm_engine``, which installs it where vLLM runs on CPU.
Invariants:
- A token is drawn by inverting the cumulative distribution: the same distribution as vLLM's.
- A request's numbers come from its own generator, so its tokens do not depend on what runs beside it.
- Top-k and top-p are vLLM's own, and so are the log-probabilities.
"""

from __future__ import annotations

from typing import Any

import torch
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

CACHED = 2**16
"""Entries worked on at a time, so that they stay in a core's cache."""


def draw(
    logits: torch.Tensor,
    generators: dict[int, torch.Generator],
    k: torch.Tensor | None,
    p: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A token for each row of ``logits`` [rows, vocabulary] (temperature applied; changed in place).

    Args:
        generators: those of the seeded rows, by row; the others draw from torch's own.
        k, p: top-k and top-p of each row [rows], or None.

    Returns:
        Tokens [rows] int64, and the log-probabilities [rows, vocabulary] float32 that they were drawn by.
    """
    logits = apply_top_k_top_p(logits, k, p)
    heights = torch.rand(len(logits), 1, dtype=torch.float64)
    for row, generator in generators.items():
        torch.rand(1, dtype=torch.float64, generator=generator, out=heights[row])
    logprobs, tokens = (
        torch.empty_like(logits, dtype=torch.float32),
        torch.empty_like(heights, dtype=torch.int64),
    )
    step = max(1, CACHED // logits.shape[1])
    for first in range(0, len(logits), step):
        rows = slice(first, first + step)
        found = torch.log_softmax(logits[rows], dim=-1, dtype=torch.float32, out=logprobs[rows])
        cumulative = found.exp().cumsum(dim=-1, dtype=torch.float64)
        # The first entry above a height below the last: one whose own probability is not 0.
        torch.searchsorted(cumulative, heights[rows] * cumulative[:, -1:], right=True, out=tokens[rows])
    return tokens[:, 0], logprobs


def install(worker: Any) -> None:
    """Have a vLLM worker (the receiver of ``collective_rpc``) draw so."""
    worker.model_runner.sampler.topk_topp_sampler.forward = draw
