"""How often each cleaning rule did something, block by block, and which sentences and lines went whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psyche_rl.records import Record


class TakenOut(Record):
    """A sentence or line that a rule (``adverts``, ``boilerplate``) took out of a row; redacted."""

    stage: str
    source: str
    row: int
    rule: str
    text: str


class RuleCounts(Record):
    """How often each rule of a step did something in one block of rows, and what went as a whole."""

    stage: str
    counts: dict[str, int]
    taken_out: tuple[TakenOut, ...] = ()


def total(blocks: Iterable[RuleCounts]) -> Counter[str]:
    """The counts of all blocks together."""
    counts: Counter[str] = Counter()
    for block in blocks:
        counts.update(block.counts)
    return counts
