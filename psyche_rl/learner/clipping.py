"""Clipping of gradients whose shards lie on several ranks."""

from __future__ import annotations

import math

import torch
from torch import nn

from psyche_rl.learner.finite import local_gradients
from psyche_rl.learner.ranks import summed


def clip_gradients(model: nn.Module, most: float, device: torch.device) -> float:
    """Scale all gradients down to the L2 norm ``most`` where theirs is larger; returns theirs. Collective.

    On local shards, which are disjoint over ranks: as ``torch.nn.utils.clip_grad_norm_``, without DTensor's
    dispatch for every tensor, which for a tiny model costs more than the step.
    """
    grads = local_gradients(model)
    norms = torch._foreach_norm(grads)
    square = sum((n.double() ** 2).item() for n in norms)
    norm = math.sqrt(summed([square], device)[0])
    if norm > most:
        torch._foreach_mul_(grads, most / (norm + 1e-6))
    return norm
