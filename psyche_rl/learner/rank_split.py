"""Which rank trains on which sequence: even in tokens, the same every time.

Collaborators: ``bundles``, since sequences over one prompt are best kept together.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.sequence import TokenSequence


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


def split_sequences(
    sequences: Sequence[TokenSequence], ranks: int, layout: Layout, row_tokens: int
) -> list[list[int]]:
    """Indices for each rank, ascending; sequences that share a prompt go together as far as balance
    allows."""
    shared = layout is Layout.SHARED
    laid = bundles(sequences, row_tokens, shared)
    even = -(-sum(bundle.tokens for bundle in laid) // ranks)
    if even < row_tokens:
        laid = bundles(sequences, even, shared)
    parts = split([bundle.tokens for bundle in laid], ranks)
    return [sorted(index for b in part for index in laid[b].members) for part in parts]
