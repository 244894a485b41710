"""Asking the selectors: engines in the places there are, each of which takes batch after batch.

Collaborators: ``allotment`` (which engine answers what), ``selector`` (its batches), ``verdict``,
``actors.engines.vllm_engine``, the run store.
Invariants:
- A batch's verdicts are in the run store, whole, before the batch counts as done.
- A batch that is there is never generated again; one whose engine is lost is generated anew elsewhere.
- An engine starts only where a batch is missing.
- A question without room in the context has verdicts that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray

from actors.engines.starting import engine_env
from actors.engines.vllm_engine import VllmEngine
from actors.placement.place import Place
from actors.waits import Waiting, wait
from data_pipeline.answering.allotment import Allotment
from data_pipeline.answering.judge import Missing
from data_pipeline.answering.selector import Selector
from data_pipeline.answering.verdict import TOO_LONG, no_answer, verdict
from psyche_rl.chat_prompt import opened_think
from psyche_rl.errors import ModelError, PsycheError, RemoteWaitError
from psyche_rl.model_folder import load_tokenizer, model_folder, stop_token_ids
from psyche_rl.questions.render import encode_question
from psyche_rl.records import Question, Sample, Verdict
from psyche_rl.reply_decoding import ReplyDecoder
from psyche_rl.store import RunStore

BATCH_WAIT_S = 1800.0
"""Deadline of one batch, engine start included."""
LOSSES = 3
"""Engines in a row that one place may lose: replacing does not cure what ends that many."""
Told = Callable[[Selector, int], None]
"""Of each batch that is done: its selector and its questions."""


def answer_missing(
    missing: Missing, places: Sequence[Place], limit: int, store: RunStore, told: Told
) -> None:
    """Generate and write the verdicts of all ``missing`` batches, on an engine in each of ``places``.

    Args:
        limit: engines of one selector at the most.

    Raises:
        ModelError: a selector cannot be served.
        RemoteWaitError: a batch did not finish within its deadline, or engines keep dying.
    """
    allotment = Allotment(missing, limit)
    starters = [_Engine(place, store) for place in places]

    def serve(engine: _Engine) -> None:
        try:
            engine.serve(allotment, told)
        except BaseException:
            _end_all(allotment, starters)  # which would else go on to the end of their batches
            raise
        finally:
            engine.end()

    with ThreadPoolExecutor(len(places), "selector-engine") as pool:
        ended = [pool.submit(serve, engine) for engine in starters]
        try:
            errors = [error for each in ended if (error := each.exception()) is not None]
        except BaseException:  # the run was asked to stop: no batch is waited for
            _end_all(allotment, starters)
            raise
    if errors:
        # The first that was raised is the cause; the others lost their engines by it.
        raise next((e for e in errors if not isinstance(e, RemoteWaitError)), errors[0])


class _Engine:
    """One place and the engine in it, which changes with the selector that it serves."""

    def __init__(self, place: Place, store: RunStore) -> None:
        self._place, self._store = place, store
        self._actor: Any = None

    def serve(self, allotment: Allotment, told: Told) -> None:
        """Take batches until there are none."""
        serving, losses = None, 0
        while (work := allotment.next(serving)) is not None:
            selector, batch = work
            if serving is not selector:
                self.end()
            serving = selector
            try:
                self._answer(selector, batch.rel, batch.questions)
            except RemoteWaitError:
                losses += 1
                self.end()
                allotment.done(work, again=losses < LOSSES)
                if losses >= LOSSES:
                    raise
            else:
                losses = 0
                told(selector, len(batch.questions))
                allotment.done(work)

    def end(self) -> None:
        """End the engine, if there is one."""
        actor, self._actor = self._actor, None
        if actor is not None:
            ray.kill(actor)

    def _answer(self, selector: Selector, rel: str, questions: Collection[Question]) -> None:
        if self._actor is None:
            self._actor = start_selector(selector, self._store, self._place)
        try:
            wait(
                self._actor.answer.remote(Question.to_table(questions), rel),
                Waiting(f"selector {selector.label}", "select", None, BATCH_WAIT_S),
            )
        except RemoteWaitError:
            raise
        except PsycheError as error:
            raise ModelError(f"selector {selector.label}: {error}") from error


def _end_all(allotment: Allotment, engines: Sequence[_Engine]) -> None:
    allotment.stop()
    for engine in engines:
        engine.end()


def start_selector(selector: Selector, store: RunStore, place: Place) -> Any:
    """A handle to a new engine, which loads its model at its first batch."""
    options = place.options(engine_env(selector.engine, place.on_gpu))
    start: Any = ray.remote(SelectorEngine).options(**options, max_restarts=0)
    return start.remote(selector, store)


class SelectorEngine:
    """The actor: a table of questions in, their verdicts into the run store."""

    def __init__(self, selector: Selector, store: RunStore) -> None:
        self._selector, self._store = selector, store
        self._engine: VllmEngine | None = None

    def answer(self, table: pa.Table, rel: str) -> None:
        """One batch. The engine starts here, not in the constructor: so its errors arrive as they are."""
        if self._engine is None:
            self._read_conventions(model_folder(self._selector.model_dir))
            self._engine = VllmEngine(self._selector.model_dir, self._selector.engine)
        questions = Question.from_table(table)
        self._store.write_records(rel, Verdict, self._verdicts(questions, self._engine))

    def _read_conventions(self, folder: Path) -> None:
        """How the model's chats are written and read; what it lacks is told before it is loaded."""
        self._tokenizer = load_tokenizer(folder)
        self._stops = stop_token_ids(folder, self._tokenizer.eos_token_id)
        self._opened = opened_think(self._tokenizer)
        self._decoder = ReplyDecoder(self._tokenizer, self._stops)

    def _verdicts(self, questions: Sequence[Question], engine: VllmEngine) -> list[Verdict]:
        prompts = [encode_question(self._tokenizer, q, self._selector.prompt) for q in questions]
        room = engine.max_model_len - self._selector.settings.max_tokens
        fitting = [(q, p) for q, p in zip(questions, prompts, strict=True) if len(p) <= room]
        answered = engine.generate([self._selector.request(q, p, self._stops) for q, p in fitting])
        samples = {q.id: found for (q, _), found in zip(fitting, answered, strict=True)}
        return [
            each
            for question in questions
            for each in (
                [self._verdict(question, sample) for sample in samples[question.id]]
                if question.id in samples
                else self._too_long(question)
            )
        ]

    def _too_long(self, question: Question) -> list[Verdict]:
        label, settings = self._selector.label, self._selector.settings
        why = f"{TOO_LONG}: prompt and {settings.max_tokens} reply tokens exceed {label}'s context"
        return [no_answer(label, question, sample, why) for sample in range(settings.samples)]

    def _verdict(self, question: Question, sample: Sample) -> Verdict:
        text = self._decoder.text(sample.response_ids, self._opened)
        return verdict(self._selector.label, question, sample.index, text)
