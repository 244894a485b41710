"""What a model made of one item of a benchmark: the row that runner, metrics, tables and viewers share.

Invariants:
- A score that could not be made is in ``unscored`` by its name, never 0 in ``scores``.
- Items that share a case have the same ``cluster``; statistics resample clusters, not rows.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.records.record import Record

ItemEnd = Literal["stop", "length", "content_filter", "refusal", "too_long", "failed"]


class ItemResult(Record):
    """One reply to one item, and what it is worth.

    ``item`` is the id that ``psyche-rl exam`` prints; ``sample`` counts the replies to it from 0. ``prompt``
    is JSON of the messages. ``answer`` is what was read from the reply (letters of a choice, None where it
    commits to none or the item is open), ``rule`` how. ``scores`` go by a metric's name; ``notes`` hold
    what a judge said, by the name of its metric. Lengths are tokens, 0 where the server counts none.
    """

    benchmark: str
    model: str
    item: str
    sample: int
    part: str
    kind: str
    subject: str | None
    level: str | None
    cluster: str
    prompt: str
    response: str
    reasoning: str
    gold: str
    answer: str | None
    rule: str | None
    scores: dict[str, float]
    unscored: tuple[str, ...]
    notes: dict[str, str]
    ended: ItemEnd
    error: str | None
    prompt_tokens: int
    response_tokens: int

    @property
    def key(self) -> tuple[str, str, int]:
        """What names the reply among a model's."""
        return self.benchmark, self.item, self.sample
