"""What the selectors say about the questions: which batches are missing, and what all of them come to.

Collaborators: ``ask_selectors`` gets the missing batches; ``selection`` works with the judgement. Invariant:
every sample that a selector was to give has a verdict, if only one that says why there is no answer; one that
is lost or doubled ends the stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from data_pipeline.answering.selector import QuestionBatch, Selector, batches
from data_pipeline.answering.verdict import TOO_LONG, can_be_judged
from data_pipeline.rows.accounting import refuse_unless_equal
from psyche_rl.events import Events
from psyche_rl.model_folder import model_folder
from psyche_rl.records import Question, Verdict
from psyche_rl.store import RunStore

STEP = "select.verdicts"
Missing = list[tuple[Selector, list[QuestionBatch]]]


@dataclass(frozen=True)
class Judgement:
    """What came of asking the selectors."""

    verdicts: tuple[Verdict, ...] = ()
    """Those on questions that every selector answered."""
    unjudged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Question id -> (``too_long`` or ``failed``, why) where a selector gave no answer."""
    reused: int = 0
    """Batches that were there already."""


def judge(
    asked: Sequence[Selector],
    questions: Sequence[Question],
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
    given = [
        verdict
        for _, of_one in planned
        for batch in of_one
        for verdict in store.read_records(batch.rel if store.exists(batch.rel) else batch.partial, Verdict)
    ]
    return _judgement(asked, questions, given, reused)


def _judgement(
    asked: Sequence[Selector], questions: Sequence[Question], given: Sequence[Verdict], reused: int
) -> Judgement:
    """What all verdicts come to. Pure."""
    expected = Counter(
        f"{selector.label}/{question.id}/{sample}"
        for selector in asked
        for question in questions
        if can_be_judged(question)
        for sample in range(selector.settings.samples)
    )
    found = Counter(f"{v.selector}/{v.question_id}/{v.sample}" for v in given)
    refuse_unless_equal(STEP, expected, found, "samples have no verdict", "verdicts belong to no sample")
    answered = {(v.selector, v.question_id) for v in given if not v.error}
    errors = {(v.selector, v.question_id): v.error for v in given if v.error}
    unjudged: dict[str, tuple[str, str]] = {}
    for question in questions:
        for selector in asked:
            pair = (selector.label, question.id)
            if can_be_judged(question) and pair not in answered:
                unjudged.setdefault(question.id, _unanswered(selector, errors[pair]))
    kept = (v for v in given if not v.error and v.question_id not in unjudged)
    return Judgement(tuple(kept), unjudged, reused)


def _unanswered(selector: Selector, error: str) -> tuple[str, str]:
    """How a question ends that a selector gave no answer to, and why."""
    how, _, why = error.partition(": ")
    return (TOO_LONG, why) if how == TOO_LONG else ("failed", f"{selector.label} gave no answer: {error}")
