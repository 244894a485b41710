"""Top-k and top-p on the learner's logits, as vLLM does them on the engine's.

Role: leaves out of the learner's distribution what the engine would not have sampled.
Collaborators: ``token_logprobs`` calls it after the temperature; ``objectives`` masks the tokens that fall
outside.
Invariants:
- Top-k comes first and keeps every entry that ties with the k-th; top-p counts the probability of what
  top-k left, from the least likely entry up, and keeps the likeliest one whatever happens.
- Operations, order and type of the numbers are vLLM's, so that on equal logits the sets are equal; which of
  equal entries at the edge of top-p stay is up to torch's sort, and so the same. (On a GPU vLLM filters
  eight rows and more with a Triton kernel, which keeps exactly k of tied entries.)
- The set is a constant to the gradient.
- A row that holds a NaN is left as it is, so that whoever guards against it sees it.
Source: ``vllm/v1/sample/ops/topk_topp_sampler.py``, ``apply_top_k_top_p_pytorch`` (vLLM 0.29).
"""

from __future__ import annotations

import numpy as np
import torch

from psyche_rl.rollout.sampling import Sampling

SORTED = 2**24
"""Entries sorted at a time: values, order and probabilities take 16 bytes each."""


def leave_out(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Set to -inf, in place, the entries of ``logits`` [R, vocabulary] that ``sampling`` filters out.

    The temperature is to be applied before. Returns ``logits``.
    """
    vocabulary = logits.shape[1]
    top_k = None if sampling.top_k is None else min(sampling.top_k, vocabulary)
    for rows in logits.split(max(1, SORTED // vocabulary)):
        if sampling.top_p < 1:
            _leave_out_sorted(rows, top_k, sampling.top_p)
        elif top_k is not None:
            rows.masked_fill_(rows < rows.topk(top_k).values[:, -1:], -torch.inf)
    return logits


def _leave_out_sorted(rows: torch.Tensor, top_k: int | None, top_p: float) -> None:
    ascending, order = rows.sort(dim=-1)
    if top_k is not None:
        ascending.masked_fill_(ascending < ascending[:, -top_k, None], -torch.inf)
    reached = ascending.softmax(dim=-1)
    torch.cumsum(reached, dim=-1, out=reached)
    # In float32 whatever the logits' type, as the engine has it.
    dropped = reached <= float(np.float32(1) - np.float32(top_p))
    dropped[:, -1] = False
    rows.scatter_(1, order, ascending.masked_fill_(dropped, -torch.inf))
