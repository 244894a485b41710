"""The books of a run of stages: what went in, how each row ended, and that the two agree.

Role: blocks report :class:`RowOutcome` records; the stage enters them here, the progress line reads the
running tally, and :meth:`RowAccounting.balance` refuses books that do not add up.
Invariants: :func:`tally` is pure; a stage balances only if every row that went in ended exactly once and
nothing else did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psyche_rl.records import Quarantined, RowOutcome


class UnbalancedRowsError(RuntimeError):
    """Rows were lost or counted twice: a defect of a stage, not of its data."""


@dataclass(frozen=True)
class OutcomeCounts:
    """How the rows of one stage ended; ``open`` are those that have not ended yet."""

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


def tally(rows: int, outcomes: Iterable[RowOutcome]) -> OutcomeCounts:
    """The tally of one stage's outcomes for ``rows`` rows that went in."""
    statuses: Counter[str] = Counter()
    filters: Counter[str] = Counter()
    for outcome in outcomes:
        statuses[outcome.status] += 1
        if outcome.filter is not None:
            filters[outcome.filter] += 1
    return OutcomeCounts(
        rows, statuses["ok"], statuses["filtered"], statuses["failed"], statuses["quarantined"], dict(filters)
    )


class RowAccounting:
    """Rows in and outcomes of several stages, in the order in which they came."""

    def __init__(self) -> None:
        self._expected: dict[str, Counter[str]] = {}
        self._outcomes: dict[str, list[RowOutcome]] = {}

    def expect(self, stage: str, rows: Iterable[str]) -> None:
        """Ids of rows that go into a stage."""
        self._outcomes.setdefault(stage, [])
        self._expected.setdefault(stage, Counter()).update(rows)

    def note(self, outcomes: Iterable[RowOutcome]) -> None:
        """Enter how rows ended."""
        for outcome in outcomes:
            self._outcomes.setdefault(outcome.stage, []).append(outcome)

    def balance(self, stage: str, rows: int | None = None) -> OutcomeCounts:
        """The tally of a stage that is over; ``rows`` is the number that went in, where it was counted apart.

        Raises:
            UnbalancedRowsError: a row that went in did not end, ended twice, or never went in.
        """
        expected = self._expected.get(stage, Counter())
        if rows is not None and rows != expected.total():
            raise UnbalancedRowsError(f"stage {stage}: {expected.total()} rows ended of {rows} that went in")
        ended = Counter(outcome.row for outcome in self.of(stage))
        if expected != ended:
            lost, extra = expected - ended, ended - expected
            example = next(iter(lost or extra))
            raise UnbalancedRowsError(
                f"stage {stage}: {lost.total()} of {expected.total()} rows did not end and {extra.total()} "
                f"outcomes belong to no row, for example {example}"
            )
        return self.tally(stage)

    def of(self, stage: str) -> Sequence[RowOutcome]:
        """The outcomes of one stage so far."""
        return self._outcomes.get(stage, ())

    def tally(self, stage: str) -> OutcomeCounts:
        """The running tally of one stage."""
        return tally(self._expected.get(stage, Counter()).total(), list(self.of(stage)))

    def tallies(self) -> dict[str, OutcomeCounts]:
        """Running tallies of all stages, in the order in which they began."""
        return {stage: self.tally(stage) for stage in list(self._outcomes)}

    def outcomes(self) -> list[RowOutcome]:
        """All outcomes, stage by stage."""
        return [outcome for stage in self._outcomes for outcome in self._outcomes[stage]]

    def quarantined(self) -> list[Quarantined]:
        """The rows that are not in form, as the records that the quarantine file holds."""
        return [
            Quarantined(
                stage=o.stage, source=o.source, row=o.source_row, reason=o.reason, content=o.content or o.row
            )
            for o in self.outcomes()
            if o.status == "quarantined"
        ]


def flat_counts(tallies: Mapping[str, OutcomeCounts]) -> dict[str, int]:
    """Tallies as counts of a stage: ``<stage>.rows`` and each way of ending that occurred."""
    counts: dict[str, int] = {}
    for stage, found in tallies.items():
        counts[f"{stage}.rows"] = found.rows
        for status in ("ok", "filtered", "failed", "quarantined"):
            if number := getattr(found, status):
                counts[f"{stage}.{status}"] = number
    return counts
