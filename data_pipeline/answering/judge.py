"""What the selectors say about the questions: which batches are missing, and what all of them come to.

Collaborators: ``ask_selectors`` gets the missing batches; ``selection`` works with the judgement. Invariant:
every sample that a selector was to give has a verdict, if only one that says why there is no answer; one that
is lost or doubled ends the stage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from data_pipeline.answering.selector import QuestionBatch, Selector, batches
from data_pipeline.answering.verdict import TOO_LONG, Verdicts, can_be_judged
from data_pipeline.answering.verdict_book import VerdictBook
from data_pipeline.rows.accounting import refuse_unless_equal
from data_pipeline.rows.id_bag import IdBag
from psyche_rl.events import Events
from psyche_rl.model_folder import model_folder
from psyche_rl.records import Question, Verdict
from psyche_rl.store import RunStore
from psyche_rl.store.stored_records import Joined, StoredRecords

STEP = "select.verdicts"
Missing = list[tuple[Selector, list[QuestionBatch]]]


@dataclass(frozen=True)
class Judgement:
    """What came of asking the selectors."""

    verdicts: Iterable[Verdict] = ()
    """Those on questions that every selector answered, whole, read from their files each time."""
    book: Verdicts = field(default_factory=dict)
    """The same by question, without their texts."""
    unjudged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Question id -> (``too_long`` or ``failed``, why) where a selector gave no answer."""
    reused: int = 0
    """Batches that were there already."""


def judge(
    asked: Sequence[Selector],
    questions: Collection[Question],
    store: RunStore,
    events: Events,
    ask: Callable[[Missing], None],
) -> Judgement:
    """Have the missing batches answered (``ask`` leaves their verdicts in the store), and judge.

    Raises:
        ModelError: the model of a selector is missing.
        UnbalancedRowsError: the verdicts are not those that were asked for.
    """
    for selector in asked:
        if not selector.is_remote:
            model_folder(selector.model_dir)  # a wrong name should be told before any engine starts
    planned = [(selector, batches(selector, questions)) for selector in asked]
    missing = [(s, [b for b in of_one if not store.exists(b.rel)]) for s, of_one in planned]
    reused = sum(len(of_one) for _, of_one in planned) - sum(len(of_one) for _, of_one in missing)
    if reused:
        events.say("select: finished batches are taken as they are", batches=reused)
    ask([(selector, of_one) for selector, of_one in missing if of_one])
    files = [b.rel if store.exists(b.rel) else b.partial for _, of_one in planned for b in of_one]
    return _judgement(asked, questions, Joined(*(StoredRecords(store, f, Verdict) for f in files)), reused)


def _judgement(
    asked: Sequence[Selector], questions: Collection[Question], given: Collection[Verdict], reused: int
) -> Judgement:
    """What all verdicts come to; ``given`` are gone through twice."""
    found, book = IdBag(texts=False), VerdictBook()
    answered, errors = set[tuple[str, str]](), dict[tuple[str, str], str]()
    for verdict in given:
        found.update([_sample(verdict)])
        if verdict.error:
            errors[verdict.selector, verdict.question_id] = verdict.error
        else:
            book.enter(verdict)
    wanted = partial(_wanted, asked, questions)
    refuse_unless_equal(
        STEP,
        IdBag(wanted(), texts=False),
        found,
        "samples have no verdict",
        "verdicts belong to no sample",
        lambda: chain(wanted(), map(_sample, given)),
    )
    for verdict in given if errors else ():
        if not verdict.error and (pair := (verdict.selector, verdict.question_id)) in errors:
            answered.add(pair)
    unjudged = _unjudged(asked, questions, {p: e for p, e in errors.items() if p not in answered})
    return Judgement(_Kept(given, unjudged), _Without(book, unjudged), unjudged, reused)


def _wanted(asked: Sequence[Selector], questions: Iterable[Question]) -> Iterator[str]:
    """The samples that all selectors are to give."""
    for selector in asked:
        for question in questions:
            if can_be_judged(question):
                for sample in range(selector.settings.samples):
                    yield f"{selector.label}/{question.id}/{sample}"


def _sample(verdict: Verdict) -> str:
    return f"{verdict.selector}/{verdict.question_id}/{verdict.sample}"


def _unjudged(
    asked: Sequence[Selector], questions: Iterable[Question], errors: Mapping[tuple[str, str], str]
) -> dict[str, tuple[str, str]]:
    """The questions that a selector gave no answer to at all, in their order."""
    found: dict[str, tuple[str, str]] = {}
    for question in questions if errors else ():
        for selector in asked:
            if (error := errors.get((selector.label, question.id))) is not None:
                found.setdefault(question.id, _unanswered(selector, error))
    return found


@dataclass(frozen=True)
class _Kept:
    """The verdicts that count."""

    given: Iterable[Verdict]
    unjudged: Container[str]

    def __iter__(self) -> Iterator[Verdict]:
        return (v for v in self.given if not v.error and v.question_id not in self.unjudged)


@dataclass(frozen=True)
class _Without(Mapping[str, Sequence[Verdict]]):
    """A book without some questions."""

    book: VerdictBook
    unjudged: Container[str]

    def __getitem__(self, question_id: str) -> Sequence[Verdict]:
        if question_id in self.unjudged:
            raise KeyError(question_id)
        return self.book[question_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.book)

    def __len__(self) -> int:
        return len(self.book)


def _unanswered(selector: Selector, error: str) -> tuple[str, str]:
    """How a question ends that a selector gave no answer to, and why."""
    how, _, why = error.partition(": ")
    return (TOO_LONG, why) if how == TOO_LONG else ("failed", f"{selector.label} gave no answer: {error}")
