"""Which rank trains on which sequence: even in tokens, the same every time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def split(lengths: Sequence[int], ranks: int) -> list[list[int]]:
    """Indices for each rank, ascending; longest first to the rank with the fewest tokens so far.

    (Graham's LPT rule: no rank exceeds 4/3 of the best possible maximum.)
    """
    heap = [(0, rank) for rank in range(ranks)]
    parts: list[list[int]] = [[] for _ in range(ranks)]
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        tokens, rank = heapq.heappop(heap)
        parts[rank].append(index)
        heapq.heappush(heap, (tokens + lengths[index], rank))
    return [sorted(part) for part in parts]
