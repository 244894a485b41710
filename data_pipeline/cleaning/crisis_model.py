"""The learned part of the crisis screen: how likely a run of sentences needs a person, and what for.

Role: :meth:`CrisisModel.score` gives a probability and a kind. The weights (``crisis_weights.safetensors``)
are made by ``scripts/crisis_model.py`` from sentences in the repository.
Collaborators: ``crisis_features`` says what a text holds; ``crisis`` decides.
Invariants:
- Pure and deterministic: numpy on one file of the package, no pickle, nothing fetched.
- The probability is the mean of two logistic regressions, one of cue or none and one of categories.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_pipeline.cleaning.crisis_kinds import KINDS, CueKind

WEIGHTS = Path(__file__).with_name("crisis_weights.safetensors")


@dataclass(frozen=True)
class CrisisModel:
    """``weights`` is [features + 1, 1 + categories], float32: cue or none, then each category; its last row
    is the intercepts. ``rows`` is feature -> row."""

    rows: Mapping[str, int]
    weights: NDArray[np.float32]
    categories: Sequence[str]
    threshold: float

    def score(self, features: Mapping[str, float]) -> tuple[float, CueKind]:
        """The probability of a cue, and the likeliest kind of one."""
        found = [(self.rows[name], value) for name, value in features.items() if name in self.rows]
        places, values = zip(*found, strict=True) if found else ((), ())
        weighed = self.weights[-1].astype(np.float64)
        if found:
            weighed += np.asarray(values, np.float64) @ self.weights[list(places)].astype(np.float64)
        shares = np.exp(weighed[1:] - weighed[1:].max())
        shares /= shares.sum()
        cues = {name: share for name, share in zip(self.categories, shares, strict=True) if name in KINDS}
        kind = max(KINDS, key=lambda each: cues[each])
        return (1 / (1 + float(np.exp(-weighed[0]))) + float(sum(cues.values()))) / 2, kind


@lru_cache
def model() -> CrisisModel:
    """The built-in model."""
    from safetensors import safe_open

    with safe_open(WEIGHTS, framework="numpy") as file:
        said = file.metadata()
        weights = file.get_tensor("weights").astype(np.float32) * file.get_tensor("scale")
    return CrisisModel(
        rows={name: row for row, name in enumerate(said["features"].split("\n"))},
        weights=weights,
        categories=json.loads(said["categories"]),
        threshold=float(said["threshold"]),
    )
