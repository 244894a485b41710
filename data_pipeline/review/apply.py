"""What decisions do to records (pure): which go on, which go on edited, which do not.

Invariants:
- The record order is kept.
- Every record lands in exactly one of ``kept`` and ``out``, and each of the latter has a reason.
- Applying twice is applying once.
- An edit is checked again as if anyone had written it, since anyone may have written the file that it comes
  from.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar, cast

from data_pipeline.review.edits import dialogue_fault, question_fault
from data_pipeline.review.queue import Queued
from psyche_rl.records import Dialogue, Passage, Question, ReviewDecision, ReviewItem, ReviewReason
from psyche_rl.store.stored_records import one_field, replaced, where

T = TypeVar("T", Question, Dialogue)
WayOut = Literal["rejected", "held", "bad_edit"]


@dataclass(frozen=True)
class Applied(Generic[T]):
    """Records after review. ``out`` tells of each record that does not go on: how, and why."""

    kept: Collection[T] = ()
    accepted: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    """Ids whose content changed: a rationale or verdict on the former content is not one on this."""
    out: dict[str, tuple[WayOut, str]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Figures for the manifest; ``review_undecided`` counts all that went on without a decision."""
        outcomes = [outcome for outcome, _ in self.out.values()]
        named = len(self.accepted) + len(self.edited)
        return {
            "review_accepted": len(self.accepted),
            "review_edited": len(self.edited),
            "review_rejected": outcomes.count("rejected"),
            "review_held": outcomes.count("held"),
            "review_bad_edit": outcomes.count("bad_edit"),
            "review_undecided": len(self.kept) - named,
        }


def apply_decisions(
    records: Collection[T],
    items: Iterable[ReviewItem | Queued],
    decisions: Mapping[str, ReviewDecision],
    *,
    hold: Collection[ReviewReason] = (),
    passages: Mapping[str, Passage] | None = None,
) -> Applied[T]:
    """Sort ``records`` by what was decided; ``decisions`` are those that stand (:func:`standing`).

    Accepted records go on whatever was found; undecided ones unless their item has a reason in ``hold``.
    A decision counts by the record's id, whether or not the record is (still) in the queue.
    """
    queued = {item.id: item for item in items}
    result: Applied[T] = Applied()
    edits: dict[int, T] = {}
    concerned = {place: id_ for place, id_ in enumerate(one_field(records, "id")) if id_ in decisions}
    held = {id_: why for id_, item in queued.items() if (why := [r for r in item.reasons if r in hold])}
    stays = []
    for place, id_ in enumerate(one_field(records, "id")):
        if place not in concerned and id_ in held:
            result.out[id_] = ("held", ", ".join(held[id_]))
        stays.append(place in concerned or id_ not in held)
    for place, record in _at(records, concerned):
        decision, item = decisions[record.id], queued.get(record.id)
        if decision.action == "reject":
            result.out[record.id] = ("rejected", decision.reason or "rejected in review")
            stays[place] = False
        elif decision.action == "edit":
            passage = _passage(record, item, passages or {})
            if fault := _bad_edit(record, decision, passage):
                result.out[record.id] = ("bad_edit", fault)
                stays[place] = False
            else:
                result.edited.append(record.id)
                edits[place] = cast(T, decision.question or decision.dialogue)
        else:
            result.accepted.append(record.id)
    return replace(result, kept=where(replaced(records, edits), stays))


def _at(records: Collection[T], places: Container[int]) -> Iterator[tuple[int, T]]:
    """The records in some places, with these."""
    chosen = where(records, (place in places for place in range(len(records))))
    numbers = (place for place in range(len(records)) if place in places)
    return zip(numbers, chosen, strict=True)


def _bad_edit(record: Question | Dialogue, decision: ReviewDecision, passage: Passage | None) -> str | None:
    """Why an edit cannot be taken, or None."""
    if isinstance(record, Question):
        question = decision.question
        return question_fault(question, record, passage) if question else "the edit is not of a question"
    dialogue = decision.dialogue
    return dialogue_fault(dialogue, record) if dialogue else "the edit is not of a dialogue"


def _passage(
    record: Question | Dialogue, item: ReviewItem | Queued | None, passages: Mapping[str, Passage]
) -> Passage | None:
    if not isinstance(record, Question):
        return None
    return passages.get(record.passage_id or "") or (item.passage if item else None)
