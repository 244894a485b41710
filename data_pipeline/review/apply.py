"""What decisions do to records (pure): which go on, which go on edited, which do not.

Invariants:
- The record order is kept.
- Every record lands in exactly one of ``kept`` and ``out``, and each of the latter has a reason.
- Applying twice is applying once.
- An edit is checked again as if anyone had written it, since anyone may have written the file that it comes
  from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, cast

from data_pipeline.review.edits import dialogue_fault, question_fault
from psyche_rl.records import Dialogue, Passage, Question, ReviewDecision, ReviewItem, ReviewReason

T = TypeVar("T", Question, Dialogue)
WayOut = Literal["rejected", "held", "bad_edit"]


@dataclass(frozen=True)
class Applied(Generic[T]):
    """Records after review. ``out`` tells of each record that does not go on: how, and why."""

    kept: list[T] = field(default_factory=list)
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
    records: Iterable[T],
    items: Iterable[ReviewItem],
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
    for record in records:
        decision, item = decisions.get(record.id), queued.get(record.id)
        if decision is None:
            why = [r for r in item.reasons if r in hold] if item else []
            if why:
                result.out[record.id] = ("held", ", ".join(why))
            else:
                result.kept.append(record)
        elif decision.action == "reject":
            result.out[record.id] = ("rejected", decision.reason or "rejected in review")
        elif decision.action == "edit":
            _take_edit(result, record, decision, _passage(record, item, passages or {}))
        else:
            result.accepted.append(record.id)
            result.kept.append(record)
    return result


def _take_edit(result: Applied[T], record: T, decision: ReviewDecision, passage: Passage | None) -> None:
    if isinstance(record, Question):
        question = decision.question
        why = question_fault(question, record, passage) if question else "the edit is not of a question"
    else:
        dialogue = decision.dialogue
        why = dialogue_fault(dialogue, record) if dialogue else "the edit is not of a dialogue"
    if why:
        result.out[record.id] = ("bad_edit", why)
    else:
        result.edited.append(record.id)
        result.kept.append(cast(T, decision.question or decision.dialogue))


def _passage(
    record: Question | Dialogue, item: ReviewItem | None, passages: Mapping[str, Passage]
) -> Passage | None:
    if not isinstance(record, Question):
        return None
    return passages.get(record.passage_id or "") or (item.passage if item else None)
