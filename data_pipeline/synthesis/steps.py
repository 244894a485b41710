"""The steps of synthesis, each from records to records, with an account of every row.

Role: maps the block functions of ``data_pipeline`` over records, writes what they leave beside their results,
and enters how every row ended.
Collaborators: ``launch.stages.synth`` calls the steps.
Invariants:
- A step has to balance before the next begins.
- A call that failed costs its row and no more, but a step in which every call fails ends the run: the teacher
  is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.domains import Domain
from data_pipeline.review import Applied, Evidence, Flag, apply_review, await_review, queue_items, write_queue
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.map_blocks import map_blocks
from data_pipeline.rows.mixed_records import from_mixed
from data_pipeline.rows.outcome_counts import OutcomeCounts
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis import crisis_reader, empathy, multi_turn, quality, questions, rationales
from data_pipeline.synthesis.repeats import distinct_passages, distinct_questions
from psyche_rl.errors import TeacherError
from psyche_rl.questions.option_order import balanced
from psyche_rl.records import (
    Dialogue,
    Passage,
    Question,
    Rationale,
    RationaleRound,
    Record,
    RowOutcome,
)
from psyche_rl.run_context import StageContext

T = TypeVar("T", Question, Dialogue)
HOPELESS = 20  # calls without a single answer; one that fails has been tried ``teacher.attempts`` times


@dataclass
class Synthesis:
    """The steps, and the accounting that they share."""

    context: StageContext
    llm: LLM
    domain: Domain
    accounting: RowAccounting = field(default_factory=RowAccounting)

    def distinct(self, passages: Sequence[Passage]) -> list[Passage]:
        """Passages of which none nearly repeats another."""
        return distinct_passages(passages, self.context.config.dedup, self.accounting)

    def screened(
        self, posts: Sequence[Dialogue], crises: Sequence[Flag], step: str = "review.posts"
    ) -> list[Dialogue]:
        """The posts that may be rewritten: neither rejected, nor held for cues of a crisis."""
        review = self.context.config.review
        items = queue_items([], posts, flags=crises, seed=self.context.config.seed, rate=0.0)
        found = apply_review(self.context.store, posts, items, review)
        self._enter_reviewed(step, posts, found)
        return found.kept

    def read_again(self, posts: Sequence[Dialogue]) -> tuple[list[Dialogue], list[Flag]]:
        """The posts that may still be rewritten after the second reader, and its flags."""
        self.accounting.expect(crisis_reader.STAGE, (post.id for post in posts))
        rows = self.context.config.synth.block_rows
        self._mapped(posts, crisis_reader.crisis_block, rows, (RowOutcome,), crisis_reader.STAGE)
        self._balance(crisis_reader.STAGE)
        flags = crisis_reader.flags_of(self.accounting.of(crisis_reader.STAGE))
        return self.screened(posts, flags, "review.posts_read_again"), flags

    def questions(self, passages: Sequence[Passage]) -> list[Question]:
        """Questions on the passages, each once, with options in the order that they keep."""
        synth = self.context.config.synth
        calls = [call for p in passages for call in questions.plan(p, synth, self.domain)]
        self.accounting.expect(questions.CALLS, (call.id for call in calls))
        rows = max(1, synth.block_rows * len(passages) // max(1, len(calls)))
        kinds = (Question, RowOutcome)
        self.accounting.expect_read(questions.STAGE, read_in=questions.CALLS)
        table = self._mapped(passages, questions.question_block, rows, kinds, questions.CALLS, synth=synth)
        asked = from_mixed(table, Question)
        self._balance(questions.CALLS)
        self.accounting.balance(questions.STAGE, given=(q.id for q in asked))
        if passages and calls and not asked:
            self._refuse_nothing(len(passages))
        places = {p.id: p.row for p in passages}
        kept = distinct_questions(asked, self.context.config.dedup, self.accounting, places)
        return self._balanced(kept) if synth.balance_gold else kept

    def quality_flags(
        self, asked: Sequence[Question], passages: Sequence[Passage]
    ) -> tuple[list[Question], list[Flag]]:
        """The questions that the teacher, as a reviewer, judged, and its issues with some of them."""
        self.accounting.expect(quality.STAGE, (q.id for q in asked))
        table = quality.with_passages(asked, {p.id: p.text for p in passages})
        rows = self.context.config.synth.block_rows
        passed = self._mapped(table, quality.quality_block, rows, (Question, RowOutcome), quality.STAGE)
        self._balance(quality.STAGE, given=from_mixed(passed, Question))
        ended = self.accounting.of(quality.STAGE)
        judged = {o.row for o in ended if o.status in ("ok", "filtered")}
        flags = [Flag(o.row, "quality_filter", o.reason) for o in ended if o.status == "filtered"]
        return [q for q in asked if q.id in judged], flags

    def reviewed(
        self,
        asked: Sequence[Question],
        dialogues: Sequence[Dialogue],
        flags: Sequence[Flag],
        passages: Sequence[Passage],
    ) -> tuple[list[Question], list[Dialogue]]:
        """What goes on after human review: flagged and sampled records are queued, decisions so far hold.

        Raises:
            ReviewPending: the run is to wait for decisions, and some are missing.
        """
        store, review = self.context.store, self.context.config.review
        by_id = {p.id: p for p in passages}
        evidence = Evidence(passages=by_id)
        seed, rate = self.context.config.seed, review.sample_rate
        items = queue_items(asked, dialogues, flags=flags, seed=seed, rate=rate, evidence=evidence)
        write_queue(store, "synth", items)
        await_review(store, items, review)
        questions_ = apply_review(store, asked, items, review, by_id)
        dialogues_ = apply_review(store, dialogues, items, review)
        self._enter_reviewed("review.questions", asked, questions_)
        self._enter_reviewed("review.dialogues", dialogues, dialogues_)
        return questions_.kept, dialogues_.kept

    def rationales(self, asked: Sequence[Question]) -> list[Rationale]:
        """A rationale for each question that the teacher gets right; all tries are written beside."""
        synth, store = self.context.config.synth, self.context.store
        judged = [q for q in asked if rationales.has_rationale(q)]
        self.accounting.expect(rationales.STAGE, (q.id for q in judged))
        kinds = (Rationale, RationaleRound, RowOutcome)
        rows = synth.block_rows
        table = self._mapped(judged, rationales.rationale_block, rows, kinds, rationales.STAGE, synth=synth)
        kept = from_mixed(table, Rationale)
        self._balance(rationales.STAGE, given=kept)
        tries = from_mixed(table, RationaleRound)
        wrong = {o.row for o in self.accounting.of(rationales.STAGE) if o.filter == rationales.TEACHER_WRONG}
        store.write_records("synth/rationale_history.parquet", RationaleRound, tries)
        store.write_records(
            "synth/teacher_wrong.parquet",
            RationaleRound,
            [t for t in tries if t.round == 0 and t.question_id in wrong],
        )
        return kept

    def dialogues(self, posts: Sequence[Dialogue]) -> list[Dialogue]:
        """Empathetic replies to the posts, then conversations where they are wanted."""
        synth = self.context.config.synth
        steps: list[tuple[str, Callable[..., pa.Table]]] = [(empathy.STAGE, empathy.empathy_block)]
        if synth.multi_turn:
            steps.append((multi_turn.STAGE, multi_turn.multi_turn_block))
        made: list[Dialogue] = []
        for stage, block in steps:
            self.accounting.expect(stage, (post.id for post in posts))
            table = self._mapped(posts, block, synth.block_rows, (Dialogue, RowOutcome), stage, synth=synth)
            found = from_mixed(table, Dialogue)
            self._balance(stage, given=found)
            made += found
        return made

    def _mapped(
        self,
        records: Sequence[Record] | pa.Table,
        function: Callable[..., pa.Table],
        rows: int,
        gives: Sequence[type[Record]],
        stage: str,
        **arguments: Any,
    ) -> pa.Table:
        """The blocks' outcomes; they are accounted for as soon as a block is done."""

        def finished(part: pa.Table) -> None:
            self.accounting.note(from_mixed(part, RowOutcome))
            self._refuse_hopeless(stage, self.accounting.counts(stage))

        shared = {"seed": self.context.config.seed, "llm": self.llm, "domain": self.domain}
        return map_blocks(records, function, rows, gives, finished, **shared, **arguments)

    def _enter_reviewed(self, step: str, records: Sequence[T], applied: Applied[T]) -> None:
        """How the records of a review step ended."""
        self.accounting.expect(step, (record.id for record in records))
        for record in records:
            row = RowOrigin(step, record.id, record.source)
            out = applied.out.get(record.id)
            self.accounting.note([row.filtered(*out) if out else row.ok(record.id)])
        self.accounting.balance(step, given=(record.id for record in applied.kept))

    def _balanced(self, asked: Sequence[Question]) -> list[Question]:
        shuffled = balanced(asked, self.context.config.seed)
        self.accounting.expect("balance", (q.id for q in asked))
        for old, new in zip(asked, shuffled, strict=True):
            if questions.asked_by(old) == questions.asked_by(new):
                self.accounting.note([RowOrigin("balance", old.id, old.source).ok(new.id)])
        self.accounting.balance("balance", given=(q.id for q in shuffled))
        return shuffled

    def _balance(self, stage: str, given: Iterable[Question | Rationale | Dialogue] | None = None) -> None:
        found = self.accounting.balance(stage, None if given is None else [record.id for record in given])
        if found.rows and found.failed == found.rows:
            self._refuse_hopeless(stage, found, least=1)

    def _refuse_hopeless(self, stage: str, found: OutcomeCounts, least: int = HOPELESS) -> None:
        if found.failed >= least and found.failed == found.ended:
            last = self.accounting.of(stage)[-1].reason
            raise TeacherError(
                f"the teacher answered none of {found.failed} calls in step {stage}; {last}; mend it, then "
                f"run again: finished calls are kept"
            )

    def _refuse_nothing(self, passages: int) -> None:
        reasons = [
            o.reason for s in (questions.CALLS, questions.STAGE) for o in self.accounting.of(s) if o.reason
        ]
        why = f"; the last reason: {reasons[-1]}" if reasons else ""
        raise TeacherError(f"the teacher's replies hold no usable question on {passages} passages{why}")


def kinds_of(asked: Sequence[Question]) -> Mapping[str, int]:
    """Counts for the manifest: questions of each kind that there are."""
    kinds = Counter[str](question.kind for question in asked)
    always, where_asked_for = ("single", "multiple"), ("case", "short")
    return {f"questions_{k}": kinds[k] for k in (*always, *(k for k in where_asked_for if kinds[k]))}
