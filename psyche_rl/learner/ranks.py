"""Figures of all ranks as one. Collective, where there is a process group; else this process is all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist


def is_first() -> bool:
    """Whether this is the rank that writes."""
    return not dist.is_initialized() or dist.get_rank() == 0


def summed(values: Sequence[float], device: torch.device) -> list[float]:
    """The sum over all ranks of each of ``values``, in float64."""
    return _reduced(values, dist.ReduceOp.SUM, device)


def largest(values: Sequence[float], device: torch.device) -> list[float]:
    """The largest on any rank of each of ``values``; not a number where one is none."""
    return _reduced(values, dist.ReduceOp.MAX, device)


def _reduced(values: Sequence[float], op: Any, device: torch.device) -> list[float]:
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [float(v) for v in values]
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor, op)
    found: list[float] = tensor.tolist()
    return found
