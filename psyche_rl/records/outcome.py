"""How rows end, and what the rounds of a rationale's polishing brought.

Every row that goes into a stage of the data pipeline ends in exactly one :class:`Outcome`; the tally of
outcomes (``data_pipeline.rows.accounting``) adds up to the rows that went in.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.records.base import Record

Status = Literal["ok", "filtered", "failed", "quarantined"]


class Outcome(Record):
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


class RationaleRound(Record):
    """One try at a rationale: round 0 under the common prompt, later ones under a rewritten prompt."""

    question_id: str
    round: int
    prompt: str
    text: str
    answer: str | None
    """Sorted letters the text commits to; None if it commits to none or there is no text."""
    accepted: bool
    why: str
    """Why it was not accepted; empty if it was."""
    prompt_version: str
    model: str
