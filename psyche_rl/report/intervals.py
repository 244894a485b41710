"""The confidence interval of an accuracy: the evaluation's own, else a Wilson score interval.

The evaluation records bootstrap intervals; where it gives none (an older run, a single kind of
question) the Wilson interval needs only the accuracy and the count.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist
from typing import Any


def interval_of(result: Mapping[str, Any], confidence: float) -> tuple[float, float]:
    """(low, high) of ``result["strict_accuracy"]``, as shares in [0, 1]."""
    if result.get("interval"):
        low, high = result["interval"]
        return float(low), float(high)
    return wilson(result["strict_accuracy"], result["n"], confidence)


def wilson(accuracy: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson (1927) score interval of a share ``accuracy`` seen in ``n`` trials."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = accuracy + z * z / (2 * n)
    spread = z * sqrt(accuracy * (1 - accuracy) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
