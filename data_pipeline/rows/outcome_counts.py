"""How many rows of a step ended in which way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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


class RunningCounts:
    """Statuses and filters of the outcomes of one step, as they come."""

    def __init__(self) -> None:
        self._statuses: Counter[str] = Counter()
        self._filters: Counter[str] = Counter()

    def add(self, outcome: RowOutcome) -> None:
        """Count one."""
        self._statuses[outcome.status] += 1
        if outcome.filter is not None:
            self._filters[outcome.filter] += 1

    def of(self, rows: int) -> OutcomeCounts:
        """The counts so far, for ``rows`` rows that went in."""
        found = self._statuses
        return OutcomeCounts(
            rows, found["ok"], found["filtered"], found["failed"], found["quarantined"], dict(self._filters)
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
