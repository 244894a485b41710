"""Percentile bootstrap of a mean (Efron and Tibshirani 1993, chapter 13), resampling questions.

Deterministic: the same values, seed and sample count give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CELLS = 1 << 20
"""Resampled values held at a time, to bound memory."""


def bootstrap_interval(
    values: Sequence[float], confidence: float, samples: int, seed: int
) -> tuple[float, float]:
    """Lower and upper end of the percentile interval of the mean of ``values``.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a bootstrap interval needs at least one value")
    data = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // data.size)
    means = np.concatenate(
        [
            data[rng.integers(0, data.size, size=(min(block, samples - done), data.size))].mean(axis=1)
            for done in range(0, samples, block)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
