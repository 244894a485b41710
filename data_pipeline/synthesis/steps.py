"""The steps of synthesis, each from a file of records to a file of records, with an account of every row.

Role: maps the block functions of ``data_pipeline`` over records, writes what they leave as it comes, and
enters how every row ended.
Collaborators: ``launch.stages.synth`` calls the steps; ``work_files`` holds what lies between them.
Invariants:
- A step has to balance before the next begins.
- In memory there are ids, flags and one block, never all records.
- A call that failed costs its row and no more, but a step in which every call fails ends the run: the teacher
  is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.domains import Domain
from data_pipeline.review import Applied, Evidence, Flag, apply_review, await_review, queued, write_queue
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.id_bag import IdBag
from data_pipeline.rows.map_blocks import map_blocks
from data_pipeline.rows.mixed_records import column_of, from_mixed
from data_pipeline.rows.outcome_counts import OutcomeCounts
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis import crisis_reader, empathy, multi_turn, quality, questions, rationales
from data_pipeline.synthesis.repeats import distinct_passages, distinct_questions
from data_pipeline.synthesis.work_files import WorkFiles
from psyche_rl.errors import TeacherError
from psyche_rl.questions.option_order import balanced
from psyche_rl.records import Dialogue, Passage, Question, Rationale, RationaleRound, Record, RowOutcome
from psyche_rl.run_context import StageContext
from psyche_rl.store.by_key import by_key
from psyche_rl.store.digests import DigestSet, NumberOf
from psyche_rl.store.record_file import RecordFile
from psyche_rl.store.stored_records import Joined, one_field, where

T = TypeVar("T", Question, Dialogue)
R = TypeVar("R", bound=Record)
HOPELESS = 20  # calls without a single answer; one that fails has been tried ``teacher.attempts`` times


@dataclass
class Synthesis:
    """The steps, and the accounting that they share."""

    context: StageContext
    llm: LLM
    domain: Domain
    accounting: RowAccounting = field(default_factory=RowAccounting)

    @cached_property
    def work(self) -> WorkFiles:
        """What lies between the steps."""
        return WorkFiles(self.context.store)

    def distinct(self, passages: Collection[Passage]) -> Collection[Passage]:
        """Passages of which none nearly repeats another."""
        return distinct_passages(passages, self.context.config.dedup, self.accounting)

    def screened(
        self, posts: Collection[Dialogue], crises: Sequence[Flag], step: str = "review.posts"
    ) -> Collection[Dialogue]:
        """The posts that may be rewritten: neither rejected, nor held for cues of a crisis."""
        review = self.context.config.review
        items = list(queued([], posts, flags=crises, seed=self.context.config.seed, rate=0.0))
        found = apply_review(self.context.store, posts, items, review)
        self._enter_reviewed(step, posts, found)
        return found.kept

    def read_again(self, posts: Collection[Dialogue]) -> tuple[Collection[Dialogue], list[Flag]]:
        """The posts that may still be rewritten after the second reader, and its flags."""
        stage, rows = crisis_reader.STAGE, self.context.config.synth.block_rows
        self.accounting.expect(stage, one_field(posts, "id"))
        flags: list[Flag] = []
        for part in self._mapped(posts, crisis_reader.crisis_block, rows, stage):
            flags += crisis_reader.flags_of(from_mixed(part, RowOutcome))
        self._balance(stage)
        return self.screened(posts, flags, "review.posts_read_again"), flags

    def questions(self, passages: Collection[Passage]) -> Collection[Question]:
        """Questions on the passages, each once, with options in the order that they keep."""
        synth = self.context.config.synth
        ids = (call.id for passage in passages for call in questions.plan(passage, synth, self.domain))
        self.accounting.expect(questions.CALLS, ids)
        calls = self.accounting.counts(questions.CALLS).rows
        rows = max(1, synth.block_rows * len(passages) // max(1, calls))
        self.accounting.expect_read(questions.STAGE, read_in=questions.CALLS)
        parts = self._mapped(passages, questions.question_block, rows, questions.CALLS, synth=synth)
        with self.work.writing("asked", Question) as file:
            for part in parts:
                file.write(column_of(part, Question))
        asked = file.stored
        self._balance(questions.CALLS)
        self.accounting.balance(questions.STAGE, given=asked.column("id"))
        if len(passages) and calls and not len(asked):
            self._refuse_nothing(len(passages))
        places = NumberOf((p.id, p.row) for p in passages)
        kept = distinct_questions(asked, self.context.config.dedup, self.accounting, places)
        return self._balanced(kept) if synth.balance_gold else kept

    def quality_flags(
        self, asked: Collection[Question], passages: Collection[Passage]
    ) -> tuple[Collection[Question], list[Flag]]:
        """The questions that the teacher, as a reviewer, judged, and its issues with some of them."""
        self.accounting.expect(quality.STAGE, one_field(asked, "id"))
        beside = quality.beside_passages(asked, by_key(passages))
        pairs = self.work.written("for_quality", quality.QuestionBesidePassage, beside)
        rows, given = self.context.config.synth.block_rows, IdBag()
        for part in self._mapped(pairs, quality.quality_block, rows, quality.STAGE):
            given.update(column_of(part, Question).field("id").to_pylist())
        self._balance(quality.STAGE, given)
        flags = [
            Flag(o.row, "quality_filter", o.reason)
            for o in self.accounting.of(quality.STAGE)
            if o.status == "filtered"
        ]
        judged = DigestSet(o.row for o in self.accounting.of(quality.STAGE) if o.status in ("ok", "filtered"))
        return where(asked, (id_ in judged for id_ in one_field(asked, "id"))), flags

    def reviewed(
        self,
        asked: Collection[Question],
        dialogues: Collection[Dialogue],
        flags: Sequence[Flag],
        passages: Collection[Passage],
    ) -> tuple[Collection[Question], Collection[Dialogue]]:
        """What goes on after human review: flagged and sampled records are queued, decisions so far hold.

        Raises:
            ReviewPending: the run is to wait for decisions, and some are missing.
        """
        store, review = self.context.store, self.context.config.review
        by_id = by_key(passages)
        seed, rate = self.context.config.seed, review.sample_rate
        found = queued(asked, dialogues, flags=flags, seed=seed, rate=rate, evidence=Evidence(passages=by_id))
        items = write_queue(store, "synth", found)
        await_review(store, items, review)
        questions_ = apply_review(store, asked, items, review, by_id)
        dialogues_ = apply_review(store, dialogues, items, review)
        self._enter_reviewed("review.questions", asked, questions_)
        self._enter_reviewed("review.dialogues", dialogues, dialogues_)
        return questions_.kept, dialogues_.kept

    def rationales(self, asked: Collection[Question]) -> tuple[int, int]:
        """A rationale for each question that the teacher gets right; all tries are written beside.

        Returns:
            Rationales, and those of them that a rewritten prompt brought.
        """
        synth, store = self.context.config.synth, self.context.store
        judged = where(asked, map(rationales.has_rationale, one_field(asked, "kind")))
        self.accounting.expect(rationales.STAGE, one_field(judged, "id"))
        parts = self._mapped(
            judged, rationales.rationale_block, synth.block_rows, rationales.STAGE, synth=synth
        )
        count = polished = 0
        given = IdBag()
        with (
            RecordFile(store, "synth/rationales.parquet", Rationale) as kept,
            RecordFile(store, "synth/rationale_history.parquet", RationaleRound) as history,
            RecordFile(store, "synth/teacher_wrong.parquet", RationaleRound) as missed,
        ):
            for part in parts:
                found, tries = column_of(part, Rationale), column_of(part, RationaleRound)
                kept.write(found)
                history.write(tries)
                missed.write(rationales.teacher_wrong(tries, from_mixed(part, RowOutcome)))
                given.update(found.field("id").to_pylist())
                count, polished = (
                    count + len(found),
                    polished + sum(n > 0 for n in found.field("round").to_pylist()),
                )
            self._balance(rationales.STAGE, given)
        return count, polished

    def dialogues(self, posts: Collection[Dialogue]) -> Collection[Dialogue]:
        """Empathetic replies to the posts, then conversations where they are wanted."""
        synth = self.context.config.synth
        steps: list[tuple[str, Callable[..., pa.Table]]] = [(empathy.STAGE, empathy.empathy_block)]
        if synth.multi_turn:
            steps.append((multi_turn.STAGE, multi_turn.multi_turn_block))
        made = []
        for stage, block in steps:
            self.accounting.expect(stage, one_field(posts, "id"))
            with self.work.writing(stage, Dialogue) as file:
                for part in self._mapped(posts, block, synth.block_rows, stage, synth=synth):
                    file.write(column_of(part, Dialogue))
            self._balance(stage, file.stored.column("id"))
            made.append(file.stored)
        return Joined(*made)

    def _mapped(
        self,
        records: Collection[R],
        function: Callable[..., pa.Table],
        rows: int,
        stage: str,
        **arguments: Any,
    ) -> Iterator[pa.Table]:
        """The blocks' outcomes, one after another; each is accounted for as soon as it is there."""
        shared = {"seed": self.context.config.seed, "llm": self.llm, "domain": self.domain}
        given = self.work.whole_file(f"for_{stage}", records)
        if given is None:
            return
        for part in map_blocks(given, function, rows, **shared, **arguments):
            self.accounting.note(from_mixed(part, RowOutcome))
            self._refuse_hopeless(stage, self.accounting.counts(stage))
            yield part

    def _enter_reviewed(self, step: str, records: Collection[T], applied: Applied[T]) -> None:
        """How the records of a review step ended."""
        self.accounting.expect(step, one_field(records, "id"))
        for record in records:
            row = RowOrigin(step, record.id, record.source)
            out = applied.out.get(record.id)
            self.accounting.note([row.filtered(*out) if out else row.ok(record.id)])
        self.accounting.balance(step, given=one_field(applied.kept, "id"))

    def _balanced(self, asked: Collection[Question]) -> Collection[Question]:
        shuffled = self.work.written("balanced", Question, balanced(asked, self.context.config.seed))
        self.accounting.expect("balance", one_field(asked, "id"))
        for old, new in zip(asked, shuffled, strict=True):
            if questions.asked_by(old) == questions.asked_by(new):
                self.accounting.note([RowOrigin("balance", old.id, old.source).ok(new.id)])
        self.accounting.balance("balance", given=shuffled.column("id"))
        return shuffled

    def _balance(self, stage: str, given: Iterable[str] | None = None) -> None:
        found = self.accounting.balance(stage, given)
        if found.rows and found.failed == found.rows:
            self._refuse_hopeless(stage, found, least=1)

    def _refuse_hopeless(self, stage: str, found: OutcomeCounts, least: int = HOPELESS) -> None:
        if found.failed >= least and found.failed == found.ended:
            raise TeacherError(
                f"the teacher answered none of {found.failed} calls in step {stage}; "
                f"{self.accounting.last_reason(stage)}; mend it, then run again: finished calls are kept"
            )

    def _refuse_nothing(self, passages: int) -> None:
        reasons = [self.accounting.last_reason(step) for step in (questions.STAGE, questions.CALLS)]
        last = next((reason for reason in reasons if reason), "")
        why = f"; the last reason: {last}" if last else ""
        raise TeacherError(f"the teacher's replies hold no usable question on {passages} passages{why}")


def kinds_of(asked: Collection[Question]) -> Mapping[str, int]:
    """Counts for the manifest: questions of each kind that there are."""
    kinds = Counter[str](one_field(asked, "kind"))
    always, where_asked_for = ("single", "multiple"), ("case", "short")
    return {f"questions_{k}": kinds[k] for k in (*always, *(k for k in where_asked_for if kinds[k]))}
