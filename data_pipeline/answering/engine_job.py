"""Asking one selector all questions: a Ray Data job over a pool of vLLM engines.

Collaborators: ``selector`` (its batches), ``verdict``, ``actors.engines.vllm_engine``, the run store.
Invariants:
- A batch's verdicts are in the run store, whole, before the batch counts as done.
- A batch that is there is never generated again.
- An engine starts only where a batch is missing.
- A question without room in the context has verdicts that say so.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import ray.data

from actors.engines.vllm_engine import VllmEngine, engine_env
from data_pipeline.answering.selector import QuestionBatch, Selector
from data_pipeline.answering.verdict import TOO_LONG, no_answer, verdict
from psyche_rl.errors import ModelError, PsycheError, RemoteWaitError
from psyche_rl.model_folder import model_folder, stop_token_ids
from psyche_rl.questions.render import encode_question
from psyche_rl.records import Question, Sample, Verdict
from psyche_rl.store import RunStore

BATCH_WAIT_S = 1800.0
"""Deadline of one batch, engine start included."""


def answer_missing(
    selector: Selector, missing: Sequence[QuestionBatch], store: RunStore, on_gpu: bool
) -> Iterator[int]:
    """Generate and write the verdicts of ``missing`` batches; yields the questions of each as it is done.

    Raises:
        ModelError: the selector cannot be served.
        RemoteWaitError: a batch did not finish within its deadline, or its engine kept dying.
    """
    if not missing:
        return
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # its plans and notices are not the user's concern
    blocks = [
        Question.to_table(b.questions).append_column("rel", pa.array([b.rel] * len(b.questions)))
        for b in missing
    ]
    engines = min(selector.settings.engines_per_selector, len(blocks))
    answers = ray.data.from_arrow(blocks).map_batches(
        SelectorEngine,
        fn_constructor_args=(selector, store),
        batch_size=None,  # one block is one batch
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=engines),
        # As for rollout workers: engines share the cores of a CPU machine and reserve none.
        num_cpus=1 if on_gpu else 0,
        num_gpus=selector.engine.tensor_parallel_size if on_gpu else 0,
        runtime_env={"env_vars": engine_env(selector.engine, on_gpu)},
    )
    for done in _watched(lambda: answers.iter_batches(batch_size=None, batch_format="pyarrow"), selector):
        yield from done["questions"].to_pylist()


class SelectorEngine:
    """Ray Data actor: a table of questions in, their verdicts into the run store, a count out."""

    def __init__(self, selector: Selector, store: RunStore) -> None:
        self._selector, self._store = selector, store
        self._engine: VllmEngine | None = None
        self._tokenizer: Any = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """One batch. The engine starts here, not in the constructor: so its errors arrive as they are."""
        if self._engine is None:
            from psyche_rl.model_folder import load_tokenizer

            self._engine = VllmEngine(self._selector.model_dir, self._selector.engine)
            self._tokenizer = load_tokenizer(model_folder(self._selector.model_dir))
        rel = table["rel"][0].as_py()
        questions = Question.from_table(table.drop_columns(["rel"]))
        self._store.write_records(rel, Verdict, self._verdicts(questions, self._engine))
        return pa.table({"questions": [len(questions)]})

    def _verdicts(self, questions: Sequence[Question], engine: VllmEngine) -> list[Verdict]:
        stops = stop_token_ids(model_folder(self._selector.model_dir), int(self._tokenizer.eos_token_id))
        prompts = [encode_question(self._tokenizer, q, self._selector.prompt) for q in questions]
        room = engine.max_model_len - self._selector.settings.max_tokens
        fitting = [(q, p) for q, p in zip(questions, prompts, strict=True) if len(p) <= room]
        answered = engine.generate([self._selector.request(q, p, stops) for q, p in fitting])
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
        text = self._tokenizer.decode(list(sample.response_ids), skip_special_tokens=True)
        return verdict(self._selector.label, question, sample.index, text)


def _watched(rows: Callable[[], Any], selector: Selector) -> Iterator[Any]:
    """Ray Data's results with a deadline for each, which Ray Data itself does not offer."""
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def pump() -> None:
        try:
            for row in rows():
                results.put(row)
            results.put(None)
        except BaseException as error:
            results.put(error)

    threading.Thread(target=pump, daemon=True, name=f"selector-{selector.label}").start()
    while True:
        try:
            result = results.get(timeout=BATCH_WAIT_S)
        except queue.Empty:
            why = f"no batch within {BATCH_WAIT_S:.0f} s"
            raise RemoteWaitError(f"selector {selector.label}", "select", None, why) from None
        if result is None:
            return
        if isinstance(result, BaseException):
            raise _named(result, selector) from result
        yield result


def _named(error: BaseException, selector: Selector) -> PsycheError:
    """The user's error inside Ray's wrappers, or a line that names the selector."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None)
        for candidate in (cause, inner):
            if isinstance(candidate, PsycheError):
                return ModelError(f"selector {selector.label}: {candidate}")
        cause = inner if isinstance(inner, BaseException) else cause.__cause__
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return RemoteWaitError(f"selector {selector.label}", "select", None, f"{type(error).__name__}: {first}")
