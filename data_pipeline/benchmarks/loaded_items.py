"""What a loader gives: the items of a benchmark, and what was left out of it and why.

Invariant: every item of every row is in ``items`` or in ``left_out``; nothing is passed over in silence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem

LeftOutcome = Literal["repeat", "label_audit", "quarantined", "outside"]


@dataclass(frozen=True)
class LeftOut:
    """An item that is not asked: a copy of another (``repeat``), one whose copies have other keys
    (``label_audit``), one that cannot be read (``quarantined``), or one that no part takes (``outside``)."""

    source: str
    row: int
    part: str | None
    outcome: LeftOutcome
    reason: str
    item_id: str | None = None
    """The id that ``psyche-rl exam`` prints for it, where it is a question at all."""


@dataclass(frozen=True)
class LoadedItems:
    """The items in the order of the files."""

    benchmark: Benchmark
    items: tuple[BenchmarkItem, ...]
    left_out: tuple[LeftOut, ...]

    def counts(self) -> dict[str, Any]:
        """How many: ``items``, ``by_part``, ``by_level``, ``by_subject``, ``clusters``, and ``left_out`` by
        outcome, all and by part."""
        left = Counter(each.outcome for each in self.left_out)
        by_part = Counter((each.part, each.outcome) for each in self.left_out if each.part)
        return {
            "items": len(self.items),
            "clusters": len({item.cluster for item in self.items}),
            "by_part": _counted(item.part for item in self.items),
            "by_level": _counted(item.level for item in self.items if item.level),
            "by_subject": _counted(item.subject for item in self.items if item.subject),
            "left_out": dict(left),
            "left_out_by_part": {f"{part}: {outcome}": n for (part, outcome), n in sorted(by_part.items())},
        }


def _counted(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
