"""The steps of synthesis, each from records to records, with books kept on every row.

Role: maps the block functions of ``data_pipeline`` over records, writes what they leave beside
their results, and enters how every row ended. Collaborators: ``launch.stages.synth`` calls the steps.
Invariants: a step balances its books before the next begins; a call that failed costs its row and no more,
but a step in which every call fails ends the run: the teacher is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.dedup import NearDuplicate, unique_passages, unique_questions
from data_pipeline.review import Evidence, Flag, apply_review, await_review, queue_items, write_queue
from data_pipeline.rows.accounting import Ledger, Tally
from data_pipeline.rows.map_blocks import map_blocks
from data_pipeline.rows.mixed_records import from_outcomes
from data_pipeline.rows.row_outcome import Row
from data_pipeline.synthesis import empathy, multi_turn, quality, questions, rationales
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.errors import TeacherError
from psyche_rl.questions.option_order import balanced
from psyche_rl.records import (
    Dialogue,
    Outcome,
    Passage,
    Question,
    Rationale,
    RationaleRound,
    Record,
)
from psyche_rl.run_context import StageContext

R = TypeVar("R", Passage, Question)
HOPELESS = 20  # calls without a single answer; one that fails has been tried ``teacher.attempts`` times


@dataclass
class Synthesis:
    """The steps, and the books that they share."""

    context: StageContext
    llm: LLM
    ledger: Ledger = field(default_factory=Ledger)

    def distinct(self, passages: Sequence[Passage]) -> list[Passage]:
        """Passages of which none nearly repeats another."""
        return self._without_near_repeats("near.passages", passages, unique_passages)

    def screened(self, posts: Sequence[Dialogue], crises: Sequence[Flag]) -> list[Dialogue]:
        """The posts that may be rewritten: neither rejected, nor held for cues of a crisis."""
        review = self.context.config.review
        items = queue_items([], posts, flags=crises, seed=self.context.config.seed, rate=0.0)
        return apply_review(self.context.store, posts, items, review).kept

    def questions(self, passages: Sequence[Passage]) -> list[Question]:
        """Questions on the passages, each once, with options in the order that they keep."""
        synth = self.context.config.synth
        calls = [call for p in passages for call in questions.plan(p, synth)]
        self.ledger.expect(questions.CALLS, (call.id for call in calls))
        rows = max(1, synth.block_rows * len(passages) // max(1, len(calls)))
        kinds = (Question, Outcome)
        table = self._mapped(passages, questions.question_block, rows, kinds, questions.CALLS, synth=synth)
        self.ledger.expect(questions.STAGE, (o.row for o in self.ledger.of(questions.STAGE)))
        self._balance(questions.CALLS)
        asked = from_outcomes(table, Question)
        if passages and calls and not asked:
            self._refuse_nothing(len(passages))
        kept = self._without_repeats("repeats.questions", asked, questions.without_repeats)
        kept = self._without_near_repeats("near.questions", kept, unique_questions)
        return self._balanced(kept) if synth.balance_gold else kept

    def quality_flags(
        self, asked: Sequence[Question], passages: Sequence[Passage]
    ) -> tuple[list[Question], list[Flag]]:
        """The questions that the teacher, as a reviewer, judged, and its issues with some of them."""
        self.ledger.expect(quality.STAGE, (q.id for q in asked))
        table = quality.with_passages(asked, {p.id: p.text for p in passages})
        rows = self.context.config.synth.block_rows
        self._mapped(table, quality.quality_block, rows, (Question, Outcome), quality.STAGE)
        self._balance(quality.STAGE)
        ended = self.ledger.of(quality.STAGE)
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
        for stage, records, out in (
            ("review.questions", asked, questions_.out),
            ("review.dialogues", dialogues, dialogues_.out),
        ):
            self.ledger.expect(stage, (record.id for record in records))
            for record in records:
                row = Row(stage, record.id, record.source)
                self.ledger.note([row.filtered(*out[record.id]) if record.id in out else row.ok(record.id)])
            self.ledger.balance(stage)
        return questions_.kept, dialogues_.kept

    def rationales(self, asked: Sequence[Question]) -> list[Rationale]:
        """A rationale for each question that the teacher gets right; all tries are written beside."""
        synth, store = self.context.config.synth, self.context.store
        judged = [q for q in asked if rationales.has_rationale(q)]
        self.ledger.expect(rationales.STAGE, (q.id for q in judged))
        kinds = (Rationale, RationaleRound, Outcome)
        rows = synth.block_rows
        table = self._mapped(judged, rationales.rationale_block, rows, kinds, rationales.STAGE, synth=synth)
        self._balance(rationales.STAGE)
        tries = from_outcomes(table, RationaleRound)
        wrong = {o.row for o in self.ledger.of(rationales.STAGE) if o.filter == rationales.TEACHER_WRONG}
        store.write_records("synth/rationale_history.parquet", RationaleRound, tries)
        store.write_records(
            "synth/teacher_wrong.parquet",
            RationaleRound,
            [t for t in tries if t.round == 0 and t.question_id in wrong],
        )
        return from_outcomes(table, Rationale)

    def dialogues(self, posts: Sequence[Dialogue]) -> list[Dialogue]:
        """Empathetic replies to the posts, then conversations where they are wanted."""
        synth = self.context.config.synth
        steps: list[tuple[str, Callable[..., pa.Table]]] = [(empathy.STAGE, empathy.empathy_block)]
        if synth.multi_turn:
            steps.append((multi_turn.STAGE, multi_turn.multi_turn_block))
        made: list[Dialogue] = []
        for stage, block in steps:
            self.ledger.expect(stage, (post.id for post in posts))
            table = self._mapped(posts, block, synth.block_rows, (Dialogue, Outcome), stage, synth=synth)
            self._balance(stage)
            made += from_outcomes(table, Dialogue)
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
        """The blocks' outcomes; they are in the books as soon as a block is done."""

        def finished(part: pa.Table) -> None:
            self.ledger.note(from_outcomes(part, Outcome))
            self._refuse_hopeless(stage, self.ledger.tally(stage))

        seed = self.context.config.seed
        return map_blocks(records, function, rows, gives, finished, seed=seed, llm=self.llm, **arguments)

    def _without_repeats(
        self, stage: str, records: Sequence[R], first_of: Callable[[Iterable[R]], Iterable[R]]
    ) -> list[R]:
        kept = list(first_of(records))
        self._enter_kept(stage, records, kept, "repeat", "an earlier one is the same")
        return kept

    def _without_near_repeats(
        self,
        stage: str,
        records: Sequence[R],
        unique: Callable[[Sequence[R], DedupConfig], tuple[list[R], list[NearDuplicate]]],
    ) -> list[R]:
        """Without near-duplicates by MinHash, where ``dedup.enabled``."""
        settings = self.context.config.dedup
        if not settings.enabled:
            return list(records)
        kept, repeats = unique(records, settings)
        why = {r.id: f"{r.jaccard:.2f} like {r.keeper}" for r in repeats}
        self.ledger.expect(stage, (record.id for record in records))
        for record in records:
            row = Row(stage, record.id, record.source)
            repeat = why.get(record.id)
            self.ledger.note([row.filtered("near_repeat", repeat) if repeat else row.ok(record.id)])
        self.ledger.balance(stage)
        return kept

    def _enter_kept(
        self, stage: str, records: Sequence[R], kept: Sequence[R], filter_: str, reason: str
    ) -> None:
        """Books of a step that keeps some of its records as they are."""
        staying = set(map(id, kept))
        self.ledger.expect(stage, (record.id for record in records))
        for record in records:
            row = Row(stage, record.id, record.source)
            stays = id(record) in staying
            self.ledger.note([row.ok(record.id) if stays else row.filtered(filter_, reason)])
        self.ledger.balance(stage)

    def _balanced(self, asked: Sequence[Question]) -> list[Question]:
        shuffled = balanced(asked, self.context.config.seed)
        self.ledger.expect("balance", (q.id for q in asked))
        pairs = zip(asked, shuffled, strict=True)
        self.ledger.note(Row("balance", old.id, old.source).ok(new.id) for old, new in pairs)
        self.ledger.balance("balance")
        return shuffled

    def _balance(self, stage: str) -> None:
        found = self.ledger.balance(stage)
        if found.rows and found.failed == found.rows:
            self._refuse_hopeless(stage, found, least=1)

    def _refuse_hopeless(self, stage: str, found: Tally, least: int = HOPELESS) -> None:
        if found.failed >= least and found.failed == found.ended:
            last = self.ledger.of(stage)[-1].reason
            raise TeacherError(
                f"the teacher answered none of {found.failed} calls in step {stage}; {last}; mend it, then "
                f"run again: finished calls are kept"
            )

    def _refuse_nothing(self, passages: int) -> None:
        reasons = [
            o.reason for s in (questions.CALLS, questions.STAGE) for o in self.ledger.of(s) if o.reason
        ]
        why = f"; the last reason: {reasons[-1]}" if reasons else ""
        raise TeacherError(f"the teacher's replies hold no usable question on {passages} passages{why}")


def kinds_of(asked: Sequence[Question]) -> Mapping[str, int]:
    """Counts for the manifest: questions of each kind that there are."""
    kinds = Counter[str](question.kind for question in asked)
    always, where_asked_for = ("single", "multiple"), ("case", "short")
    return {f"questions_{k}": kinds[k] for k in (*always, *(k for k in where_asked_for if kinds[k]))}
