"""How a row can end besides as a clean record, and what was counted on the way.

Invariants: every input row gives exactly one of record, :class:`CrisisPost`, :class:`Filtered` and
``Quarantined``; a block
gives one :class:`RuleCounts` besides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psyche_rl.records import Dialogue, Record


class Filtered(Record):
    """A readable row that a filter left out: which filter, and why."""

    stage: str
    source: str
    row: int
    filter: str
    reason: str
    content: str


class CrisisPost(Record):
    """A clean conversation with cues of self-harm or violence: what for a reviewer, and whose they are."""

    dialogue: Dialogue
    cues: str


class RuleCounts(Record):
    """How often each rule of a stage did something in one block of rows."""

    stage: str
    counts: dict[str, int]


def total(tallies: Iterable[RuleCounts]) -> Counter[str]:
    """The counts of all blocks together."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts.update(tally.counts)
    return counts
