"""Steps that leave out records which repeat an earlier one, exactly or nearly, with an account of each.

Collaborators: ``dedup`` finds near-repeats; ``questions.keepers`` exact ones; ``steps`` calls.
Invariant: the outcome of a repeat holds its text, the place it came from and the id of the record that stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from data_pipeline.dedup import unique_passages, unique_questions
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.questions import keepers
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.records import Passage, Question

R = TypeVar("R", Passage, Question)
Repeat = tuple[str, str]
"""The id of the record that stays, and why the other is taken for a repeat of it."""


def distinct_passages(
    passages: Sequence[Passage], settings: DedupConfig, accounting: RowAccounting
) -> list[Passage]:
    """Without near-repeats, where ``dedup.enabled``."""
    if not settings.enabled:
        return list(passages)
    kept, near = unique_passages(passages, settings)
    found = {r.id: (r.keeper, f"{r.jaccard:.2f} like {r.keeper}") for r in near}
    rows = {p.id: p.row for p in passages}
    repeats = [found.get(p.id) for p in passages]
    _enter(accounting, "near.passages", "near_repeat", passages, repeats, kept, rows)
    return kept


def distinct_questions(
    questions: Sequence[Question],
    settings: DedupConfig,
    accounting: RowAccounting,
    passage_rows: Mapping[str, int],
) -> list[Question]:
    """Each question once, then without near-repeats where ``dedup.enabled``.

    Args:
        passage_rows: passage id -> row of its source.
    """
    rows = {q.id: passage_rows.get(q.passage_id or "", 0) for q in questions}
    same = [None if keeper is None else (keeper, f"the same as {keeper}") for keeper in keepers(questions)]
    kept = [q for q, repeat in zip(questions, same, strict=True) if not repeat]
    _enter(accounting, "repeats.questions", "repeat", questions, same, kept, rows)
    if not settings.enabled:
        return kept
    before, (kept, near) = kept, unique_questions(kept, settings)
    found = {r.id: (r.keeper, f"{r.jaccard:.2f} like {r.keeper}") for r in near}
    _enter(accounting, "near.questions", "near_repeat", before, [found.get(q.id) for q in before], kept, rows)
    return kept


def _enter(
    accounting: RowAccounting,
    step: str,
    filter_: str,
    records: Sequence[R],
    repeats: Sequence[Repeat | None],
    kept: Sequence[R],
    rows: Mapping[str, int],
) -> None:
    """How each record of a step ended; ``repeats`` is in their order, None for those that stay."""
    accounting.expect(step, (record.id for record in records))
    for record, repeat in zip(records, repeats, strict=True):
        origin = RowOrigin(step, record.id, record.source, rows[record.id])
        if repeat is None:
            accounting.note([origin.ok(record.id)])
        else:
            accounting.note([origin.repeated(filter_, *repeat, text_of(record))])
    accounting.balance(step, given=(record.id for record in kept))


def text_of(record: Passage | Question) -> str:
    """All that a person needs to compare two records."""
    if isinstance(record, Passage):
        return record.text
    return "\n".join(part for part in (record.case, record.stem, *record.options, record.gold) if part)
