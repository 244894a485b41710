"""What cleaning makes of one row: its end, its text, and what the rules did on the way.

Collaborators: ``passage_cleaning`` and ``post_cleaning`` make them; a block of rows gives their ends and one
:class:`RuleCounts`, the command ``psyche-rl clean`` shows them whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from data_pipeline.cleaning.crisis import Cue
from data_pipeline.cleaning.rule_counts import RuleCounts, TakenOut
from psyche_rl.records import Record


@dataclass(frozen=True)
class CleanedRow:
    """``end`` is the clean record, what waits for a person, or the outcome that left the row out.

    ``cues`` are (role of the turn, cue); ``counts`` as in ``text_rules.Cleaned``, with ``filter.<name>``
    and ``crisis.<kind>``.
    """

    end: Record
    text: str
    counts: Counter[str]
    taken_out: Sequence[TakenOut]
    cues: Sequence[tuple[str, Cue]] = field(default=())


def rule_counts(stage: str, rows: Sequence[CleanedRow]) -> RuleCounts:
    """The counts of a block of rows."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row.counts)
    taken = tuple(part for row in rows for part in row.taken_out)
    return RuleCounts(stage=stage, counts=dict(sorted(counts.items())), taken_out=taken)
