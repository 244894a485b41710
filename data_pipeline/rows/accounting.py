"""The accounting of a stage's rows: what went into each step, how each row ended, and that the two agree.

Role: blocks report :class:`RowOutcome` records; the stage enters them here, the progress line reads the
running counts, and :meth:`RowAccounting.balance` refuses steps that do not add up.
Invariants:
- what a step expects comes from its inputs: the ids of the records that go in, or, where rows are only known
  once a file or a reply was read, the ``rows_read`` of the outcome of that file or reply;
- a step balances only if every row that went in ended exactly once, nothing else ended, and the records that
  go on are those that its outcomes say it gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from data_pipeline.rows.outcome_counts import OutcomeCounts, count_outcomes
from psyche_rl.records import Quarantined, RowOutcome


class UnbalancedRowsError(RuntimeError):
    """Rows were lost or counted twice: a defect of a stage, not of its data."""


class RowAccounting:
    """Rows in and outcomes of several steps, in the order in which they came."""

    def __init__(self) -> None:
        self._expected: dict[str, Counter[str]] = {}
        self._outcomes: dict[str, list[RowOutcome]] = {}
        self._into: dict[str, str] = {}

    def expect(self, step: str, rows: Iterable[str]) -> None:
        """Ids of rows that go into a step."""
        self._outcomes.setdefault(step, [])
        self._expected.setdefault(step, Counter()).update(rows)

    def expect_read(self, step: str, read_in: str) -> None:
        """The rows that outcomes of the step ``read_in`` say were read go into ``step``."""
        self._into[read_in] = step
        self.expect(step, (row for outcome in self.of(read_in) for row in outcome.rows_read))

    def note(self, outcomes: Iterable[RowOutcome]) -> None:
        """Enter how rows ended."""
        for outcome in outcomes:
            self._outcomes.setdefault(outcome.stage, []).append(outcome)
            if outcome.stage in self._into:
                self.expect(self._into[outcome.stage], outcome.rows_read)

    def balance(self, step: str, given: Iterable[str] | None = None) -> OutcomeCounts:
        """The counts of a step that is over; ``given`` are the ids of the records that go on from it.

        Raises:
            UnbalancedRowsError: a row that went in did not end, ended twice, or never went in; or the records
                that go on are not those that the outcomes name.
        """
        ended = Counter(outcome.row for outcome in self.of(step))
        refuse_unless_equal(
            step, self._expected.get(step, Counter()), ended, "rows did not end", "outcomes belong to no row"
        )
        if given is not None:
            named = Counter(outcome.gives for outcome in self.of(step) if outcome.gives is not None)
            refuse_unless_equal(step, named, Counter(given), "records are gone", "records are of no row")
        return self.counts(step)

    def of(self, step: str) -> Sequence[RowOutcome]:
        """The outcomes of one step so far."""
        return self._outcomes.get(step, ())

    def counts(self, step: str) -> OutcomeCounts:
        """The running counts of one step."""
        return count_outcomes(self._expected.get(step, Counter()).total(), list(self.of(step)))

    def all_counts(self) -> dict[str, OutcomeCounts]:
        """Running counts of all steps, in the order in which they began."""
        return {step: self.counts(step) for step in list(self._outcomes)}

    def outcomes(self) -> list[RowOutcome]:
        """All outcomes, step by step."""
        return [outcome for step in self._outcomes for outcome in self._outcomes[step]]

    def quarantined(self) -> list[Quarantined]:
        """The rows that are not in form, as the records that the quarantine file holds."""
        return [
            Quarantined(
                stage=o.stage, source=o.source, row=o.source_row, reason=o.reason, content=o.content or o.row
            )
            for o in self.outcomes()
            if o.status == "quarantined"
        ]


def refuse_unless_equal(
    step: str, expected: Counter[str], found: Counter[str], lost: str, extra: str
) -> None:
    """Two multisets of ids that must be one; ``lost`` and ``extra`` say what is the matter with the rest.

    Raises:
        UnbalancedRowsError: they differ.
    """
    if expected != found:
        gone, more = expected - found, found - expected
        raise UnbalancedRowsError(
            f"step {step}: {gone.total()} of {expected.total()} {lost} and {more.total()} {extra}, "
            f"for example {next(iter(gone or more))}"
        )
