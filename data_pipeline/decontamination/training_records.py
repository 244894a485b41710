"""The pipeline's own records through decontamination.

Role: the one call that a stage makes.
Invariants:
- The order of records is kept.
- A removed question takes its rationales with it. They are counted.
- Each other removal has a match that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from data_pipeline.decontamination.evaluation_set import EvaluationItem, held_out_items, one_line, read_sets
from data_pipeline.decontamination.fragments import Fragment, of_question, of_text
from data_pipeline.decontamination.index import EvaluationIndex, ItemHit
from data_pipeline.decontamination.matches import ContaminationMatch, summary
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.records import Dialogue, Quarantined, Question, Rationale, Record
from psyche_rl.store.stored_records import one_field, where

R = TypeVar("R", bound=Record)
SHOWN = 300  # characters of item and record in a match
AT_ONCE = 256  # records that are looked up together


@dataclass(frozen=True)
class ComparedRecord:
    """What is looked in: fragments by the rules of characters, the text by its meaning."""

    id: str
    kind: str
    fragments: Sequence[Fragment]
    text: str


@dataclass(frozen=True)
class Decontaminated:
    """What is kept, and what matched."""

    questions: Collection[Question]
    rationales: Collection[Rationale]
    dialogues: Collection[Dialogue]
    matches: tuple[ContaminationMatch, ...]
    report: dict[str, Any]


def items_of(
    config: DecontaminateConfig, held_out: Sequence[Question]
) -> tuple[list[EvaluationItem], list[Quarantined]]:
    """The run's own held-out exam and the sets of ``decontaminate.against``, with their unreadable rows.

    Raises:
        DataError: a set is missing or holds no item.
    """
    items, bad = read_sets(config.against)
    return held_out_items(held_out) + items, bad


def decontaminate(
    questions: Collection[Question],
    rationales: Collection[Rationale],
    dialogues: Collection[Dialogue],
    index: EvaluationIndex,
) -> Decontaminated:
    """Records without those that hold an evaluation item."""
    matches: list[ContaminationMatch] = []

    def clean(records: Collection[R], kind: str, id_of: Callable[[R], str]) -> Collection[R]:
        compared = (
            ComparedRecord(id_of(record), kind, fragments_of(record), text_of(record)) for record in records
        )
        kept = []
        for _, found in matches_in(compared, index):
            matches.extend(found)
            kept.append(not found)
        return where(records, kept)

    kept_questions = clean(questions, "question", lambda q: q.id)
    gone = {match.record_id for match in matches}
    remaining = where(rationales, (of not in gone for of in one_field(rationales, "question_id")))
    kept_rationales = clean(remaining, "rationale", lambda r: r.id)
    kept_dialogues = clean(dialogues, "dialogue", lambda d: d.id)
    compared = {"question": len(questions), "rationale": len(remaining), "dialogue": len(dialogues)}
    report = summary(matches, compared, index.sets, index.settings.model_dump(mode="json"))
    report |= index.told()
    report["rationales_of_removed_questions"] = len(rationales) - len(remaining)
    return Decontaminated(kept_questions, kept_rationales, kept_dialogues, tuple(matches), report)


def matches_in(
    records: Iterable[ComparedRecord], index: EvaluationIndex
) -> Iterator[tuple[ComparedRecord, list[ContaminationMatch]]]:
    """Each record with a match for each item that it holds."""
    left = iter(records)
    while some := list(islice(left, AT_ONCE)):
        hits = index.hits_of([(record.fragments, record.text) for record in some])
        for record, found in zip(some, hits, strict=True):
            yield record, [_match(record, hit) for hit in found]


def _match(record: ComparedRecord, hit: ItemHit) -> ContaminationMatch:
    return ContaminationMatch(
        record_id=record.id,
        record_kind=record.kind,
        rule=hit.rule,
        part=hit.part,
        score=hit.score,
        evaluation_set=hit.item.set,
        place=hit.item.place,
        item=one_line(hit.item.stem, hit.item.options)[:SHOWN],
        record=record.text[:SHOWN],
    )


def fragments_of(record: Record) -> list[Fragment]:
    """All text of a record that training would see."""
    if isinstance(record, Question):
        found = of_question(record.stem, record.options, record.case)
        beside = [record.explanation, record.span, None if record.options else record.gold]
        return found + [f for text in beside if text for f in of_text(text)]
    return of_text(text_of(record))


def text_of(record: Record) -> str:
    """A record as one text.

    Raises:
        TypeError: the record is of another kind.
    """
    if isinstance(record, Question):
        return one_line(record.stem, record.options)
    if isinstance(record, Rationale):
        return record.text
    if isinstance(record, Dialogue):
        return "\n".join(message.content for message in record.messages)
    raise TypeError(f"{type(record).__name__} is no training record")
