"""What a mini-batch's forward and backward pass leave, before its step is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Backward:
    """A mini-batch whose gradient is there and not yet applied."""

    logprobs: list[np.ndarray]
    """Of the response tokens of each sequence (nats), as the training pass saw them."""
    metrics: dict[str, float]
