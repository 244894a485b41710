"""What the rounds of a rationale's polishing brought."""

from __future__ import annotations

from psyche_rl.records.record import Record


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
