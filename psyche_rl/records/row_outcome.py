"""How rows end.

Every row that goes into a stage of the data pipeline ends in exactly one :class:`RowOutcome`; the tally of
outcomes (``data_pipeline.rows.accounting``) adds up to the rows that went in.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.records.record import Record

Status = Literal["ok", "filtered", "failed", "quarantined"]


class RowOutcome(Record):
    """The end of one row in one stage.

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
    """What a row that did not end well said."""
    gives: str | None = None
    source: str = ""
    source_row: int = 0
    prompt: str | None = None
    """``template@version`` of the prompt that was put to the LLM."""
