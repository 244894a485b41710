"""Asking a selector that stands behind an OpenAI-compatible address: batches of calls in place of an engine.

Collaborators: ``selector`` plans the batches, the LLM client caches each call and tries it again.
Invariants:
- The same verdict files as an engine leaves, under the same keys.
- A call that failed after all attempts is a verdict with an error, never a wrong answer, and a batch with one
  is not whole: it is kept aside, and asked again by the next attempt at the stage, which the call cache makes
  cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.llm.client import LLM
from data_pipeline.answering.selector import QuestionBatch, Selector
from data_pipeline.answering.verdict import no_answer, verdict
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallFailure, ChatRequest
from psyche_rl.questions.render import question_text
from psyche_rl.records import Question, Verdict
from psyche_rl.seeded import whole_number
from psyche_rl.store import RunStore

ENDED_EARLY = ("length", "content_filter", "refusal")
"""Failures that are this selector's reply all the same, as with an engine: a poor one, on its question."""


def endpoint(selector: Selector, calls: TeacherConfig) -> TeacherConfig:
    """The settings of a remote selector's calls: its own address, model and key, the teacher's limits."""
    s = selector.settings
    named = calls.for_endpoint(selector.model_dir, s.api_key_env, s.temperature, s.max_tokens)
    return named.model_copy(update={"extra_body": s.extra_body, "omit": s.omit})


def answer_remotely(
    selector: Selector, missing: Sequence[QuestionBatch], store: RunStore, llm: LLM
) -> Iterator[int]:
    """Ask and write the verdicts of ``missing`` batches; yields the questions of each as it is done.

    Raises:
        TeacherError: the endpoint cannot be used, or answered none of a batch's calls.
    """
    for batch in missing:
        asked = [(q, sample) for q in batch.questions for sample in range(selector.settings.samples)]
        results = llm.complete([chat_request(selector, q, sample) for q, sample in asked], selector.label)
        verdicts = [
            no_answer(selector.label, question, sample, f"{result.kind}: {result.message}")
            if isinstance(result, CallFailure) and result.kind not in ENDED_EARLY
            else verdict(selector.label, question, sample, result.text)
            for (question, sample), result in zip(asked, results, strict=True)
        ]
        errors = [v.error for v in verdicts if v.error]
        if len(errors) == len(verdicts):
            raise TeacherError(
                f"selector {selector.label} at {llm.teacher.base_url} answered none of {len(errors)} calls; "
                f"{errors[-1]}; mend it, then run again: finished calls are kept"
            )
        store.write_records(batch.partial if errors else batch.rel, Verdict, verdicts)
        if not errors:
            store.remove(batch.partial)
        yield len(batch.questions)


def chat_request(selector: Selector, question: Question, sample: int) -> ChatRequest:
    """One sample of one question; the seed is the question's own, as with engines."""
    return ChatRequest(
        model=selector.model_dir.partition("#")[2],
        messages=(("user", question_text(question, selector.prompt)),),
        temperature=selector.settings.temperature,
        max_tokens=selector.settings.max_tokens,
        sample=whole_number(selector.seed, selector.label, question.id, sample) >> 1,
    )
