"""How many rows of a step ended in which way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psyche_rl.records import RowOutcome


@dataclass(frozen=True)
class OutcomeCounts:
    """How the rows of one step ended; ``open`` are those that have not ended yet."""

    rows: int = 0
    ok: int = 0
    filtered: int = 0
    failed: int = 0
    quarantined: int = 0
    filters: Mapping[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        return self.ok + self.filtered + self.failed + self.quarantined

    @property
    def open(self) -> int:
        return self.rows - self.ended

    def as_dict(self) -> dict[str, object]:
        """For JSON: the rows that went in, how they ended, and by which filter."""
        statuses = {name: getattr(self, name) for name in ("rows", "ok", "filtered", "failed", "quarantined")}
        return {**statuses, "filters": dict(sorted(self.filters.items()))}


def count_outcomes(rows: int, outcomes: Iterable[RowOutcome]) -> OutcomeCounts:
    """The counts of one step's outcomes for ``rows`` rows that went in."""
    statuses: Counter[str] = Counter()
    filters: Counter[str] = Counter()
    for outcome in outcomes:
        statuses[outcome.status] += 1
        if outcome.filter is not None:
            filters[outcome.filter] += 1
    return OutcomeCounts(
        rows, statuses["ok"], statuses["filtered"], statuses["failed"], statuses["quarantined"], dict(filters)
    )


def flat_counts(steps: Mapping[str, OutcomeCounts]) -> dict[str, int]:
    """Counts for the manifest: ``<step>.rows`` and each way of ending that occurred."""
    counts: dict[str, int] = {}
    for step, found in steps.items():
        counts[f"{step}.rows"] = found.rows
        for status in ("ok", "filtered", "failed", "quarantined"):
            if number := getattr(found, status):
                counts[f"{step}.{status}"] = number
    return counts
