"""Top-k and top-p as one would write them down: a list of the likeliest tokens, cut off."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from psyche_rl.rollout.sampling import Sampling


def kept(logits: Any, sampling: Sampling) -> np.ndarray:
    """Which entries of one row (temperature applied) may be drawn: [vocabulary] bool.

    Of equal entries at the edge of top-p the later ones stay; torch's sort may have it otherwise.
    """
    values = np.asarray(logits, dtype=np.float64)
    likeliest = np.lexsort((np.arange(len(values)), values))[::-1]
    if sampling.top_k is not None and sampling.top_k < len(values):
        least = values[likeliest[sampling.top_k - 1]]
        likeliest = likeliest[values[likeliest] >= least]
    shares = np.exp(values[likeliest] - values[likeliest[0]])
    shares /= shares.sum()
    ahead = np.cumsum(shares) - shares
    if sampling.top_p < 1:
        likeliest = likeliest[(ahead < sampling.top_p) | (np.arange(len(ahead)) == 0)]
    found = np.zeros(len(values), bool)
    found[likeliest] = True
    return found


def filtered_log_softmax(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """[rows, vocabulary] of raw logits -> log-probabilities, -inf outside; differentiable."""
    rows = []
    for row in logits / sampling.temperature:
        inside = torch.from_numpy(kept(row.detach().numpy(), sampling))
        places = inside.nonzero()[:, 0]
        nothing = torch.full_like(row, -torch.inf)
        rows.append(nothing.index_put((places,), torch.log_softmax(row[places], -1)))
    return torch.stack(rows) if rows else logits
