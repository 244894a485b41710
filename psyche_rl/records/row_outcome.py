"""How rows end.

Every row that goes into a step of the data pipeline ends in exactly one :class:`RowOutcome`;
``data_pipeline.rows.accounting`` holds the outcomes against the rows that went in.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.records.record import Record

Status = Literal["ok", "filtered", "failed", "quarantined"]


class RowOutcome(Record):
    """The end of one row in one step.

    ``ok``: it gave the record ``gives``. ``filtered``: a rule (``filter``) turned down a row that was in
    order. ``failed``: the calls it needed got no answer; ``reason`` is the last error. ``quarantined``: it
    is not in the form it should have.
    """

    stage: str
    row: str
    """Id of the row that went in; equal rows share an id."""
    status: Status
    filter: str | None = None
    reason: str = ""
    content: str = ""
    """What a row that did not end well said; of a repeat the whole text."""
    gives: str | None = None
    rows_read: tuple[str, ...] = ()
    """Ids of the rows that were read from it, where it is a file or a reply: they go into the next step."""
    keeper: str | None = None
    """Id of the earlier record that stands for it, where it is a repeat of that one."""
    source: str = ""
    source_row: int = 0
    prompt: str | None = None
    """``template@version`` of the prompt that was put to the LLM."""
