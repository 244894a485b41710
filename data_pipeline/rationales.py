"""Rationales and their polishing (paper section 3.1.2).

Round 0: the teacher reasons about the question without its key; kept only if it reaches the gold.
Rounds 1 … T: the teacher rewrites the prompt for this question and answers again under it; the new prompt
and rationale are accepted only if the answer is still the gold, else the old ones stand.
Collaborators: the LLM through ``actors.llm_client``; the synth stage maps :func:`rationale_block`.
Invariants: every kept rationale's answer equals its question's gold; the key is in no prompt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from actors.llm_client import LLM
from data_pipeline.outcomes import to_outcomes
from data_pipeline.templates import KIND_NAMES, render, request
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.records import Quarantined, Question, Rationale, content_id
from rewards import extract_answer

STAGE = "synth.rationales"
SAMPLES_PER_SEED = 1_000_000
_CLOSING_LINE = re.compile(r"(?:^|\n)\W*(?:最终|正确)?答案(?:是|为)?\s*[:：]?\s*[^\n]*$")
_THINK_TAG = re.compile(r"</?think>")


def stated_answer(text: str, options: Sequence[str]) -> tuple[str, str | None]:
    """(reasoning without its closing line "答案：…", sorted letters it commits to or None).

    Think tags of a reasoning teacher go: the training template puts its own around the reasoning.
    """
    letters = extract_answer(text, options).letters
    text = _THINK_TAG.sub("", text).strip()
    closing = _CLOSING_LINE.search(text)
    return (text[: closing.start()].strip() if closing else text), letters or None


def first_instruction(question: Question) -> str:
    """The prompt that every question of a kind begins with."""
    return render("instruction", kind_name=KIND_NAMES[question.kind])


def shown(question: Question) -> str:
    """The question as the teacher sees it: case, kind, stem, lettered options; no key."""
    lines = [question.case] if question.case else []
    lines.append(f"{KIND_NAMES[question.kind]}：{question.stem}")
    lines += [f"{letter}.{text}" for letter, text in zip(question.letters, question.options, strict=True)]
    return "\n".join(lines)


def judge(
    question: Question, instruction: str, result: ChatResult, round_: int, model: str
) -> Rationale | None:
    """The rationale in a reply if it reaches the gold, else None. Pure."""
    if isinstance(result, CallFailure):
        return None
    text, answer = stated_answer(result.text, question.options)
    if answer != question.gold or not text:
        return None
    return Rationale(
        id=content_id("rationale", question.id, instruction, text),
        question_id=question.id,
        prompt=instruction,
        text=text,
        answer=answer,
        round=round_,
        model=model,
    )


def rationale_block(block: pa.Table, rounds: int, seed: int, llm: LLM) -> pa.Table:
    """Ray Data: a block of questions to rationales (at most one each) and failed calls."""
    questions = Question.from_table(block)
    instructions = [first_instruction(q) for q in questions]
    results = llm.complete(_answers(llm.teacher, seed, 0, questions, instructions), "rationales")
    failed = [_failed(q, r) for q, r in zip(questions, results, strict=True) if isinstance(r, CallFailure)]
    kept: dict[str, Rationale] = {}
    for question, instruction, result in zip(questions, instructions, results, strict=True):
        rationale = judge(question, instruction, result, 0, llm.teacher.model)
        if rationale is not None:
            kept[question.id] = rationale
    for round_ in range(1, rounds + 1):
        kept.update(_polish([q for q in questions if q.id in kept], kept, round_, seed, llm))
    return to_outcomes([*kept.values(), *failed], (Rationale, Quarantined))


def _polish(
    questions: Sequence[Question], kept: dict[str, Rationale], round_: int, seed: int, llm: LLM
) -> dict[str, Rationale]:
    """The rationales that a round of rewriting replaces; those not in it stand as they were."""
    rewrites = llm.complete(
        [_rewrite(llm.teacher, seed, round_, q, kept[q.id].prompt) for q in questions], "prompt rewriting"
    )
    written = [(q, r.text.strip()) for q, r in zip(questions, rewrites, strict=True) if usable(r)]
    again = [q for q, _ in written]
    instructions = [text for _, text in written]
    results = llm.complete(_answers(llm.teacher, seed, round_, again, instructions), "rationales")
    judged = [
        judge(q, i, r, round_, llm.teacher.model)
        for q, i, r in zip(again, instructions, results, strict=True)
    ]
    return {rationale.question_id: rationale for rationale in judged if rationale is not None}


def usable(result: ChatResult) -> bool:
    """Whether a rewritten prompt can be put to use: it came, and it is not an essay."""
    return isinstance(result, ChatReply) and 0 < len(result.text.strip()) <= 2000


def _answers(
    teacher: TeacherConfig, seed: int, round_: int, questions: Sequence[Question], instructions: Sequence[str]
) -> list[ChatRequest]:
    return [
        request(
            teacher,
            render("answer", instruction=instruction, question=shown(question)),
            sample=seed * SAMPLES_PER_SEED + round_,
        )
        for question, instruction in zip(questions, instructions, strict=True)
    ]


def _rewrite(
    teacher: TeacherConfig, seed: int, round_: int, question: Question, instruction: str
) -> ChatRequest:
    prompt = render(
        "rewrite", kind_name=KIND_NAMES[question.kind], instruction=instruction, question=shown(question)
    )
    return request(teacher, prompt, sample=seed * SAMPLES_PER_SEED + round_)


def _failed(question: Question, failure: CallFailure) -> Quarantined:
    reason = f"call failed: {failure.kind}: {failure.message}"[:300]
    return Quarantined(stage=STAGE, source=question.source, row=0, reason=reason, content=question.id)
