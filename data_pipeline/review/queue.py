"""What enters the review queue, and in which order (pure).

Collaborators: stages flag what they found; ``gate`` writes the queue.
Invariants:
- One item per record however many reasons it has.
- The sampled share depends on seed and record id alone, so another order or other records change nothing, and
  a higher rate only adds.
- The most urgent reason comes first, within it the order of the records.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

from psyche_rl.records import Dialogue, Passage, Question, Rationale, ReviewItem, ReviewReason, Verdict
from psyche_rl.records.review import AnswerCount
from psyche_rl.seeded import rank

_EVIDENCE = ("passage", "rationale", "answers", "original")
URGENCY: tuple[ReviewReason, ...] = get_args(ReviewReason)


@dataclass(frozen=True)
class Flag:
    """A stage's finding about one record, e.g. the quality filter's issue codes as ``note``."""

    record_id: str
    reason: ReviewReason
    note: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is shown beside a record, by its id: passages by passage id, the rest by question id."""

    passages: Mapping[str, Passage] = field(default_factory=dict)
    rationales: Mapping[str, Rationale] = field(default_factory=dict)
    verdicts: Mapping[str, Sequence[Verdict]] = field(default_factory=dict)


def is_sampled(record_id: str, seed: int, rate: float) -> bool:
    """Whether a record belongs to the share that is looked at whatever was found."""
    return int.from_bytes(rank(seed, "review", record_id)[:8]) < rate * 2**64


class Queued(NamedTuple):
    """What decisions are held against: an item of the queue without what is shown beside it."""

    id: str
    reasons: tuple[ReviewReason, ...]
    passage: None = None


def queue_items(
    questions: Collection[Question],
    dialogues: Collection[Dialogue] = (),
    *,
    flags: Iterable[Flag] = (),
    seed: int,
    rate: float,
    evidence: Evidence | None = None,
) -> list[ReviewItem]:
    """The flagged and the sampled records as items, the most urgent first."""
    found = queued(questions, dialogues, flags=flags, seed=seed, rate=rate, evidence=evidence)
    return sorted(found, key=urgency)


def urgency(item: ReviewItem) -> int:
    """Where an item stands in the queue."""
    return URGENCY.index(item.reasons[0])


def queued(
    questions: Collection[Question],
    dialogues: Collection[Dialogue] = (),
    *,
    flags: Iterable[Flag] = (),
    seed: int,
    rate: float,
    evidence: Evidence | None = None,
) -> Iterator[ReviewItem]:
    """The same in the order of the records, one at a time. Plain dialogues are shown, if flagged, but never
    sampled.

    Flags on records that are not among those given are left out: they are not the caller's to pass on.
    """
    found: dict[str, list[Flag]] = defaultdict(list)
    for flag in flags:
        found[flag.record_id].append(flag)
    shown = evidence or Evidence()
    for question in questions:
        why = _why(question.id, found, is_sampled(question.id, seed, rate))
        if why:
            yield _question_item(question, why, shown)
    chosen = {}
    for dialogue in dialogues:
        drawn = dialogue.kind != "plain" and is_sampled(dialogue.id, seed, rate)
        if why := _why(dialogue.id, found, drawn):
            chosen[dialogue.id] = dialogue.source_id or "", why
    wanted = {source_id for source_id, _ in chosen.values()}
    plain = {d.id: d for d in dialogues if d.kind == "plain" and d.id in wanted}
    for dialogue in dialogues:
        if dialogue.id in chosen:
            source_id, why = chosen[dialogue.id]
            original = plain.get(source_id)
            yield ReviewItem(id=dialogue.id, dialogue=dialogue, original=original, **_told(why))


def merged(parts: Iterable[ReviewItem]) -> list[ReviewItem]:
    """One item per record from the queues of several stages, in their order.

    It has the reasons and notes of all and the newest record; evidence that a later stage did not have stays.
    """
    by_id: dict[str, ReviewItem] = {}
    for item in parts:
        earlier = by_id.get(item.id)
        if earlier is not None:
            reasons = tuple(r for r in URGENCY if r in (*earlier.reasons, *item.reasons))
            notes = tuple(dict.fromkeys((*earlier.notes, *item.notes)))
            kept = {n: getattr(earlier, n) for n in _EVIDENCE if not getattr(item, n)}
            update = {**kept, "reasons": reasons, "notes": notes}
            item = item.model_copy(update=update)  # noqa: PLW2901
        by_id[item.id] = item
    return sorted(by_id.values(), key=urgency)


def _why(record_id: str, found: Mapping[str, list[Flag]], sampled: bool) -> list[Flag]:
    """The reasons for one record, the most urgent first."""
    flags = list(found.get(record_id, ()))
    if sampled:
        flags.append(Flag(record_id, "sampled"))
    return sorted(flags, key=lambda flag: URGENCY.index(flag.reason))


def _told(why: Sequence[Flag]) -> dict[str, tuple[str, ...]]:
    return {
        "reasons": tuple(dict.fromkeys(flag.reason for flag in why)),
        "notes": tuple(dict.fromkeys(flag.note for flag in why if flag.note)),
    }


def _question_item(question: Question, why: Sequence[Flag], shown: Evidence) -> ReviewItem:
    rationale = shown.rationales.get(question.id)
    counts = Counter((v.selector, v.answer, v.correct) for v in shown.verdicts.get(question.id, ()))
    ordered = sorted(counts.items(), key=lambda entry: (entry[0][0], -entry[1], entry[0][1] or ""))
    return ReviewItem(
        id=question.id,
        question=question,
        passage=shown.passages.get(question.passage_id or ""),
        rationale=rationale.text if rationale else None,
        answers=tuple(
            AnswerCount(selector=name, answer=answer, count=count, correct=correct)
            for (name, answer, correct), count in ordered
        ),
        **_told(why),
    )
