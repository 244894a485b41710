"""A tensor that may be spread over ranks: this rank's part of it, and all of it."""

from __future__ import annotations

import torch
from torch.distributed.tensor import DTensor


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's part, which is all where nothing is spread; it shares the memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of it, gathered where it is spread: collective. Over one rank it shares the memory."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
