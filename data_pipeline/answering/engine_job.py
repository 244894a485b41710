"""Asking one selector all questions: a Ray Data job over a pool of vLLM engines.

Collaborators: ``data_pipeline.selection.rules`` (what the verdicts mean),
``actors.engines.vllm_engine``, the run store.
Invariants: a batch's verdicts are in the run store, whole, under a key made of everything they depend on,
before the batch counts as done; a batch that is there is never generated again; an engine starts only
where a batch is missing; seeds belong to questions, so results do not depend on what shares a batch.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray.data

from actors.engines.vllm_engine import VllmEngine, engine_env
from data_pipeline.selection.rules import can_be_judged
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectConfig, is_remote
from psyche_rl.errors import ModelError, PsycheError, RemoteWaitError
from psyche_rl.model_folder import fingerprint, model_folder, stop_token_ids
from psyche_rl.questions.render import encode_question
from psyche_rl.records import GenerationRequest, Question, Sample, Verdict
from psyche_rl.seeded import whole_number
from psyche_rl.store import RunStore
from rewards import extract_answer

BATCH_WAIT_S = 1800.0
"""Deadline of one batch, engine start included."""


@dataclass(frozen=True)
class Selector:
    """One selector and all that its answers depend on."""

    label: str
    """Names it in records and paths."""
    model_dir: str
    settings: SelectConfig
    prompt: PromptConfig
    engine: EngineConfig
    seed: int

    @property
    def is_remote(self) -> bool:
        """Whether it is an endpoint, ``address#model``, rather than a model to load."""
        return is_remote(self.model_dir)

    def batch_key(self, questions: Sequence[Question]) -> str:
        """Changes with the questions and with anything that may change their verdicts."""
        s = self.settings
        model = self.model_dir if self.is_remote else fingerprint(model_folder(self.model_dir))
        identity = [model, s.samples, s.temperature, s.max_tokens]
        identity += [self.engine.dtype, self.engine.max_model_len, self.seed, self.prompt.model_dump()]
        sha = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode())
        for question in questions:
            sha.update(question.model_dump_json().encode())
        return sha.hexdigest()[:16]

    def request(
        self, question: Question, prompt_ids: tuple[int, ...], stops: tuple[int, ...]
    ) -> GenerationRequest:
        """All samples of one question; the seed is the question's own."""
        return GenerationRequest(
            id=question.id,
            prompt_ids=prompt_ids,
            n=self.settings.samples,
            temperature=self.settings.temperature,
            max_tokens=self.settings.max_tokens,
            stop_token_ids=stops,
            seed=whole_number(self.seed, self.label, question.id),
        )


@dataclass(frozen=True)
class Batch:
    """Some questions, and where their verdicts are or will be."""

    rel: str
    questions: tuple[Question, ...]

    @property
    def partial(self) -> str:
        """Where verdicts are kept of which some calls failed."""
        return self.rel.replace("select/verdicts/", "select/partial_verdicts/")


def batches(selector: Selector, questions: Sequence[Question]) -> list[Batch]:
    """The judgeable questions in batches of ``select.block_rows``."""
    pool = [q for q in questions if can_be_judged(q)]
    rows = selector.settings.block_rows
    parts = [tuple(pool[i : i + rows]) for i in range(0, len(pool), rows)]
    return [Batch(f"select/verdicts/{selector.label}/{selector.batch_key(p)}.parquet", p) for p in parts]


def answer_missing(
    selector: Selector, missing: Sequence[Batch], store: RunStore, on_gpu: bool
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
        return [
            self._verdict(question, sample)
            for (question, _), samples in zip(fitting, answered, strict=True)
            for sample in samples
        ]

    def _verdict(self, question: Question, sample: Sample) -> Verdict:
        text = self._tokenizer.decode(list(sample.response_ids), skip_special_tokens=True)
        answer = extract_answer(text, question.options).letters
        return Verdict(
            question_id=question.id,
            selector=self._selector.label,
            sample=sample.index,
            text=text,
            answer=answer,
            correct=answer == question.gold,
        )


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
