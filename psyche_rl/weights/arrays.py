"""Weights on the move: numpy arrays under Hugging Face names, with a checksum that both ends compute.

Collaborators: the learner makes them, engines load them, the pool compares checksums.
Invariants:
- Arrays are C-contiguous.
- Bfloat16, which numpy lacks, travels as a uint16 view of the same bits (nothing else in a policy is uint16,
  so the way back is unambiguous).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xxhash

from psyche_rl.rollout.engine import Weights

if TYPE_CHECKING:
    import torch


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A CPU tensor as a contiguous array (shares memory where it can); bfloat16 as uint16 bits."""
    import torch

    tensor = tensor.detach().contiguous()
    return tensor.view(torch.uint16).numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def from_numpy(array: np.ndarray) -> torch.Tensor:
    """The tensor that :func:`to_numpy` saw, in the same memory; not to be written to."""
    import torch

    # By DLPack, since ``torch.from_numpy`` warns of arrays that are read-only.
    tensor = torch.utils.dlpack.from_dlpack(array)
    return tensor.view(torch.bfloat16) if tensor.dtype == torch.uint16 else tensor


def checksum(weights: Weights) -> int:
    """64 bits (XXH3) over names, shapes, types and bytes; independent of the order of the entries."""
    total = 0
    for name, array in weights.items():
        head = xxhash.xxh3_64_intdigest(f"{name}:{array.dtype.str}:{array.shape}".encode())
        total ^= xxhash.xxh3_64_intdigest(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, head)
    return total
