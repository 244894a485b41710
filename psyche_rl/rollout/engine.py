"""The protocol of a rollout engine; ``actors`` implements it with vLLM.

Invariants:
- Every response token carries the version of the weights that sampled it.
- Results come back in the order of the requests.
- The same weights, requests and seeds give the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from psyche_rl.records import GenerationRequest, Sample

Weights = Mapping[str, np.ndarray]
"""Hugging Face parameter name -> array; bfloat16 travels as uint16 views (see ``weights.py``)."""


class RolloutEngine(Protocol):
    """A live inference engine whose weights can be replaced."""

    def generate(self, requests: Sequence[GenerationRequest]) -> list[list[Sample]]:
        """One list of ``n`` samples for each request, in the order given."""
        ...

    def update_weights(self, weights: Weights, version: int) -> None:
        """Serve ``weights`` from now on, as ``version``."""
        ...

    def weight_version(self) -> int:
        """The version being served."""
        ...
