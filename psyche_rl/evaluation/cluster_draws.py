"""Resampling whole clusters: the bootstrap of means over items that share a case.

Clusters are drawn with replacement within their stratum (those that touch the same parts), so that each part
keeps about its size; a mean is the drawn sum over the drawn count. With one item a cluster it is the plain
bootstrap. Source: Davison and Hinkley 1997, section 3.8; Cameron, Gelbach and Miller 2008, the pairs cluster
bootstrap. Intervals are percentiles.
Invariant: the same items, seed and number of draws give the same intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CELLS = 1 << 22
"""Weights held at a time, to bound memory."""
SMALLEST_STRATUM = 5
"""Fewer clusters have too little variety to be drawn among themselves: they are drawn together."""


@dataclass(frozen=True)
class BootstrapSettings:
    """How often clusters are drawn, and what the interval covers."""

    draws: int = 2000
    seed: int = 0
    confidence: float = 0.95


AS_USUAL = BootstrapSettings()


class ClusterDraws:
    """Draws over the clusters of n items."""

    def __init__(
        self,
        clusters: Sequence[str],
        parts: Sequence[str] | None = None,
        settings: BootstrapSettings = AS_USUAL,
    ) -> None:
        self.settings = settings
        names, self._codes = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
        self.clusters = len(names)
        touched: list[set[str]] = [set() for _ in names]
        for code, part in zip(self._codes, parts or ["" for _ in clusters], strict=True):
            touched[code].add(part)
        strata: dict[tuple[str, ...], list[int]] = {}
        for code, of in enumerate(touched):
            strata.setdefault(tuple(sorted(of)), []).append(code)
        large = [codes for _, codes in sorted(strata.items()) if len(codes) >= SMALLEST_STRATUM]
        rest = sorted(code for codes in strata.values() if len(codes) < SMALLEST_STRATUM for code in codes)
        self._strata = [np.asarray(codes) for codes in (*large, rest) if codes]

    def means(self, columns: Floats) -> tuple[Floats, Floats]:
        """(means (k,), drawn means (draws, k)) of columns (n, k); NaN is an item without the figure.

        A draw that holds no item of a column has NaN there.
        """
        sums, counts = self._summed(columns)
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = [weights @ sums / (weights @ counts) for weights in self._weights()]
            return sums.sum(axis=0) / counts.sum(axis=0), np.concatenate(drawn)

    def interval(self, drawn: Floats) -> tuple[float, float]:
        """The percentile interval of drawn values."""
        return percentiles(drawn, self.settings.confidence)

    def _summed(self, columns: Floats) -> tuple[Floats, Floats]:
        """Sums and counts (clusters, k) of the items that have the figure."""
        there = np.isfinite(columns)
        sums = np.zeros((self.clusters, columns.shape[1]))
        counts = np.zeros_like(sums)
        np.add.at(sums, self._codes, np.where(there, columns, 0.0))
        np.add.at(counts, self._codes, there.astype(np.float64))
        return sums, counts

    def _weights(self) -> Iterator[Floats]:
        """How often each cluster is drawn, (draws, clusters), in blocks."""
        rng = np.random.default_rng(self.settings.seed)
        block = max(1, _CELLS // max(1, self.clusters))
        for done in range(0, self.settings.draws, block):
            size = min(block, self.settings.draws - done)
            weights = np.zeros((size, self.clusters))
            for codes in self._strata:
                weights[:, codes] = drawn_counts(rng, size, len(codes))
            yield weights


def percentiles(drawn: Floats, confidence: float) -> tuple[float, float]:
    """What holds the middle ``confidence`` of drawn values; draws without a value are left out."""
    whole = drawn[np.isfinite(drawn)]
    if not whole.size:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(whole, [tail, 1 - tail])
    return float(low), float(high)


def drawn_counts(rng: np.random.Generator, draws: int, clusters: int) -> Floats:
    """How often each of ``clusters`` is drawn in ``clusters`` draws with replacement, (draws, clusters)."""
    picked = rng.integers(0, clusters, size=(draws, clusters))
    flat = picked + np.arange(draws)[:, None] * clusters
    return np.bincount(flat.ravel(), minlength=draws * clusters).reshape(draws, clusters).astype(np.float64)
