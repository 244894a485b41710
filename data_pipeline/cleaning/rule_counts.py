"""How often each cleaning rule did something, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psyche_rl.records import Record


class RuleCounts(Record):
    """How often each rule of a step did something in one block of rows."""

    stage: str
    counts: dict[str, int]


def total(blocks: Iterable[RuleCounts]) -> Counter[str]:
    """The counts of all blocks together."""
    counts: Counter[str] = Counter()
    for block in blocks:
        counts.update(block.counts)
    return counts
