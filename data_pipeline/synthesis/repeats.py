"""Steps that leave out records which repeat an earlier one, exactly or nearly, with an account of each.

Collaborators: ``dedup`` finds near-repeats; ``questions.keepers`` exact ones; ``steps`` calls.
Invariant: the outcome of a repeat holds its text, the place it came from and the id of the record that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from data_pipeline.dedup import NearDuplicate, unique_passages, unique_questions
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.questions import keepers
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.records import Passage, Question
from psyche_rl.store.stored_records import one_field, where

R = TypeVar("R", Passage, Question)
Repeat = tuple[str, str]
"""The id of the record that stays, and why the other is taken for a repeat of it."""


def distinct_passages(
    passages: Collection[Passage], settings: DedupConfig, accounting: RowAccounting
) -> Collection[Passage]:
    """Without near-repeats, where ``dedup.enabled``."""
    if not settings.enabled:
        return passages
    kept, near = unique_passages(passages, settings)
    _enter(accounting, "near.passages", "near_repeat", passages, _found(near), kept, lambda p: p.row)
    return kept


def distinct_questions(
    questions: Collection[Question],
    settings: DedupConfig,
    accounting: RowAccounting,
    passage_rows: Mapping[str, int],
) -> Collection[Question]:
    """Each question once, then without near-repeats where ``dedup.enabled``.

    Args:
        passage_rows: passage id -> row of its source.
    """

    def row(question: Question) -> int:
        return passage_rows.get(question.passage_id or "", 0)

    same = {
        place: (keeper, f"the same as {keeper}")
        for place, keeper in enumerate(keepers(questions))
        if keeper is not None
    }
    kept = where(questions, (place not in same for place in range(len(questions))))
    _enter_places(accounting, "repeats.questions", "repeat", questions, same, kept, row)
    if not settings.enabled:
        return kept
    before, (kept, near) = kept, unique_questions(kept, settings)
    _enter(accounting, "near.questions", "near_repeat", before, _found(near), kept, row)
    return kept


def _found(near: Sequence[NearDuplicate]) -> dict[str, Repeat]:
    return {r.id: (r.keeper, f"{r.jaccard:.2f} like {r.keeper}") for r in near}


def _enter(
    accounting: RowAccounting,
    step: str,
    filter_: str,
    records: Collection[R],
    repeats: Mapping[str, Repeat],
    kept: Collection[R],
    row: Callable[[R], int],
) -> None:
    """How each record of a step ended; ``repeats`` is by id, ``row`` gives the row of its source."""
    places = {place: repeats[id_] for place, id_ in enumerate(one_field(records, "id")) if id_ in repeats}
    _enter_places(accounting, step, filter_, records, places, kept, row)


def _enter_places(
    accounting: RowAccounting,
    step: str,
    filter_: str,
    records: Collection[R],
    repeats: Mapping[int, Repeat],
    kept: Collection[R],
    row: Callable[[R], int],
) -> None:
    """The same by place."""
    accounting.expect(step, one_field(records, "id"))
    for place, record in enumerate(records):
        origin = RowOrigin(step, record.id, record.source, row(record))
        if place in repeats:
            accounting.note([origin.repeated(filter_, *repeats[place], text_of(record))])
        else:
            accounting.note([origin.ok(record.id)])
    accounting.balance(step, given=one_field(kept, "id"))


def text_of(record: Passage | Question) -> str:
    """All that a person needs to compare two records."""
    if isinstance(record, Passage):
        return record.text
    return "\n".join(part for part in (record.case, record.stem, *record.options, record.gold) if part)
