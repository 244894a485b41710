"""Percentile bootstrap of a mean, or of a mean of means, over items in clusters (questions on one case).

Pure. Source: Field and Welsh, J. R. Stat. Soc. B 69 (2007), the cluster bootstrap: clusters are drawn whole,
and each mean is over the items drawn. Invariants:
- The same values, clusters, draws and seed give the same interval.
- A cluster that stands in several terms (single and multiple questions on one case) is drawn for all of them
  together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Term = tuple[Sequence[float], Sequence[str]]
"""Values of items, and the cluster of each."""
_CELLS = 1 << 20
"""Drawn clusters held at a time, to bound memory."""


def clustered_interval(
    terms: Sequence[Term], confidence: float, draws: int, seed: int
) -> tuple[float, float]:
    """Lower and upper end for the mean over ``terms`` of the mean of each one's values.

    Raises:
        ValueError: a term has no values.
    """
    if not terms or any(not values for values, _ in terms):
        raise ValueError("an interval needs at least one value in each term")
    names = {name: at for at, name in enumerate(dict.fromkeys(n for _, clusters in terms for n in clusters))}
    sums, sizes = np.zeros((len(terms), len(names))), np.zeros((len(terms), len(names)))
    for at, (values, clusters) in enumerate(terms):
        member = [names[name] for name in clusters]
        np.add.at(sums[at], member, np.asarray(values, dtype=np.float64))
        np.add.at(sizes[at], member, 1.0)
    rng, block, means = np.random.default_rng(seed), max(1, _CELLS // len(names)), []
    for done in range(0, draws, block):
        drawn = rng.integers(0, len(names), size=(min(block, draws - done), len(names)))
        with np.errstate(invalid="ignore"):  # a draw without any item of a term has no mean of it
            of_terms = sums[:, drawn].sum(axis=2) / sizes[:, drawn].sum(axis=2)
        means.append(of_terms.mean(axis=0))
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)
