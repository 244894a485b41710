"""Asking a selector that stands behind an OpenAI-compatible address: batches of calls in place of an engine.

Collaborators: ``selector_job`` plans the batches, the LLM client caches each call and tries it again.
Invariants: the same verdict files as an engine leaves, under the same keys; a call that failed after all
attempts is a verdict with an error, never a wrong answer, and a batch with one is not whole: it is kept
aside, and asked again by the next attempt at the stage, which the call cache makes cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.llm.client import LLM
from data_pipeline.answering.engine_job import Batch, Selector
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallFailure, ChatRequest, ChatResult
from psyche_rl.questions.render import question_text
from psyche_rl.records import Question, Verdict
from psyche_rl.seeded import whole_number
from psyche_rl.store import RunStore
from rewards import extract_answer


def endpoint(selector: Selector, calls: TeacherConfig) -> TeacherConfig:
    """The settings of a remote selector's calls: its own address, model and key, the teacher's limits."""
    base_url, _, model = selector.model_dir.partition("#")
    return TeacherConfig(
        base_url=base_url,
        model=model,
        api_key_env=selector.settings.api_key_env,
        temperature=selector.settings.temperature,
        max_tokens=selector.settings.max_tokens,
        max_in_flight=calls.max_in_flight,
        timeout_s=calls.timeout_s,
        attempts=calls.attempts,
        prices=calls.prices,
        currency=calls.currency,
        budget=calls.budget,
    )


def answer_remotely(selector: Selector, missing: Sequence[Batch], store: RunStore, llm: LLM) -> Iterator[int]:
    """Ask and write the verdicts of ``missing`` batches; yields the questions of each as it is done.

    Raises:
        TeacherError: the endpoint cannot be used, or answered none of a batch's calls.
    """
    for batch in missing:
        asked = [(q, sample) for q in batch.questions for sample in range(selector.settings.samples)]
        results = llm.complete([chat_request(selector, q, sample) for q, sample in asked], selector.label)
        verdicts = [
            verdict(selector.label, question, sample, result)
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


def verdict(label: str, question: Question, sample: int, result: ChatResult) -> Verdict:
    """What one call gave. Pure."""
    if isinstance(result, CallFailure):
        error = f"{result.kind}: {result.message}"[:300]
        return Verdict(
            question_id=question.id,
            selector=label,
            sample=sample,
            text="",
            answer=None,
            correct=False,
            error=error,
        )
    answer = extract_answer(result.text, question.options).letters
    return Verdict(
        question_id=question.id,
        selector=label,
        sample=sample,
        text=result.text,
        answer=answer,
        correct=answer == question.gold,
    )
