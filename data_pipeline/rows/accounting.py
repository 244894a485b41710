"""The accounting of a stage's rows: what went into each step, how each row ended, and that the two agree.

Role: blocks report :class:`RowOutcome` records; the stage enters them here, the progress line reads the
running counts, and :meth:`RowAccounting.balance` refuses steps that do not add up.
Collaborators: ``record_spool`` keeps the outcomes out of memory, ``id_bag`` the ids small.
Invariants:
- what a step expects comes from its inputs: the ids of the records that go in, or, where rows are only known
  once a file or a reply was read, the ``rows_read`` of the outcome of that file or reply;
- a step balances only if every row that went in ended exactly once, nothing else ended, and the records that
  go on are those that its outcomes say it gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Literal

from data_pipeline.rows.id_bag import IdBag
from data_pipeline.rows.outcome_counts import OutcomeCounts, RunningCounts
from data_pipeline.rows.record_spool import RecordSpool
from psyche_rl.records import Quarantined, RowOutcome
from psyche_rl.store.digests import digest64


class UnbalancedRowsError(RuntimeError):
    """Rows were lost or counted twice: a defect of a stage, not of its data."""


class _Step:
    """One step: the rows that went in, how rows ended, and what they gave."""

    def __init__(self) -> None:
        self.expected, self.ended, self.named = IdBag(), IdBag(texts=False), IdBag(texts=False)
        self.outcomes = RecordSpool(RowOutcome)
        self.counts = RunningCounts()
        self.last_reason = ""

    def note(self, outcome: RowOutcome) -> None:
        self.outcomes.append(outcome)
        self.counts.add(outcome)
        self.ended.update([outcome.row])
        if outcome.gives is not None:
            self.named.update([outcome.gives])
        self.last_reason = outcome.reason or self.last_reason

    def texts(self, name: Literal["row", "gives"]) -> Iterator[str]:
        """Ids of the rows that ended, or of the records that they gave."""
        return (text for outcome in self.outcomes if (text := getattr(outcome, name)) is not None)


class RowAccounting:
    """Rows in and outcomes of several steps, in the order in which they came."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._into: dict[str, str] = {}

    def expect(self, step: str, rows: Iterable[str]) -> None:
        """Ids of rows that go into a step."""
        self._step(step).expected.update(rows)

    def expect_read(self, step: str, read_in: str) -> None:
        """The rows that outcomes of the step ``read_in`` say were read go into ``step``."""
        self._into[read_in] = step
        self.expect(step, (row for outcome in self.of(read_in) for row in outcome.rows_read))

    def note(self, outcomes: Iterable[RowOutcome]) -> None:
        """Enter how rows ended."""
        for outcome in outcomes:
            self._step(outcome.stage).note(outcome)
            if outcome.stage in self._into:
                self.expect(self._into[outcome.stage], outcome.rows_read)

    def balance(self, step: str, given: Iterable[str] | None = None) -> OutcomeCounts:
        """The counts of a step that is over; ``given`` are the ids of the records that go on from it.

        Raises:
            UnbalancedRowsError: a row that went in did not end, ended twice, or never went in; or the records
                that go on are not those that the outcomes name.
        """
        found = self._step(step)
        rows = partial(found.texts, "row")
        lost, extra = "rows did not end", "outcomes belong to no row"
        refuse_unless_equal(step, found.expected, found.ended, lost, extra, rows)
        found.expected.forget_texts()  # the outcomes have them all
        if given is not None:
            names = partial(found.texts, "gives")
            lost, extra = "records are gone", "records are of no row"
            refuse_unless_equal(step, found.named, IdBag(given), lost, extra, names)
        return self.counts(step)

    def of(self, step: str) -> Iterable[RowOutcome]:
        """The outcomes of one step so far."""
        return self._steps[step].outcomes if step in self._steps else ()

    def last_reason(self, step: str) -> str:
        """Why the last row that did not end well did not; empty where there is none."""
        return self._steps[step].last_reason if step in self._steps else ""

    def counts(self, step: str) -> OutcomeCounts:
        """The running counts of one step."""
        found = self._step(step)
        return found.counts.of(len(found.expected))

    def all_counts(self) -> dict[str, OutcomeCounts]:
        """Running counts of all steps, in the order in which they began."""
        return {step: self.counts(step) for step in list(self._steps)}

    def outcomes(self) -> Iterator[RowOutcome]:
        """All outcomes, step by step."""
        for step in self._steps.values():
            yield from step.outcomes

    def quarantined(self) -> Iterator[Quarantined]:
        """The rows that are not in form, as the records that the quarantine file holds."""
        for o in self.outcomes():
            if o.status == "quarantined":
                yield Quarantined(
                    stage=o.stage,
                    source=o.source,
                    row=o.source_row,
                    reason=o.reason,
                    content=o.content or o.row,
                )

    def _step(self, step: str) -> _Step:
        if step not in self._steps:
            self._steps[step] = _Step()
        return self._steps[step]


def refuse_unless_equal(
    step: str,
    expected: IdBag,
    found: IdBag,
    lost: str,
    extra: str,
    texts: Callable[[], Iterable[str]] = tuple,
) -> None:
    """Two multisets of ids that must be one; ``lost`` and ``extra`` say what is the matter with the rest.

    ``texts``: ids that the bags hold without their texts.

    Raises:
        UnbalancedRowsError: they differ.
    """
    if expected.equals(found):
        return
    gone, more = expected.without(found), found.without(expected)
    example = next(iter(gone or more))
    name = next((text for text in chain(expected, found, texts()) if digest64(text) == example), "unknown")
    raise UnbalancedRowsError(
        f"step {step}: {gone.total()} of {len(expected)} {lost} and {more.total()} {extra}, "
        f"for example {name}"
    )
