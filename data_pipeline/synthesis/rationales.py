"""Rationales and their polishing (paper section 3.1.2): iterative prompt-rationale optimisation.

- Round 0: the teacher reasons about the question without its key. Kept only if it reaches the gold.
- Rounds 1 … T: the teacher rewrites the prompt for this question and answers again under it. The new prompt
  and rationale are accepted only if the answer is still the gold (and, with the gate, if the rationale is
  found better). Otherwise the old ones stand.

Collaborators: the LLM through ``actors.llm.client``; ``rationale_gate``; the synth stage maps
:func:`rationale_block`.
Invariants:
- Every kept rationale's answer equals its question's gold.
- The key is in no prompt.
- Every try is in the history.
- The last accepted try of a question is its rationale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from actors.llm.client import LLM
from data_pipeline.domains import Domain
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.rationale_gate import RationalePair, new_is_better
from data_pipeline.synthesis.templates import request
from psyche_rl.config.synth import SynthConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.questions.render import KIND_NAMES, shown_to_teacher
from psyche_rl.records import Question, QuestionKind, Rationale, RationaleRound, RowOutcome, content_id
from rewards import extract_answer
from rewards.reply import answer_part

STAGE = "rationales"
TEACHER_WRONG = "teacher_wrong"
SAMPLES_PER_SEED = 1_000_000
LONGEST_PROMPT = 2000  # characters: a rewritten prompt beyond that is an essay
_CLOSING_LINE = re.compile(r"(?:^|\n)\W*(?:最终|正确)?答案(?:是|为)?\s*[:：]?\s*[^\n]*$")


def stated_answer(text: str, options: Sequence[str], stem: str | None = None) -> tuple[str, str | None]:
    """(reasoning without its closing line "答案：…", sorted letters it commits to or None).

    A reasoning teacher's think block is its draft and goes; the training template puts tags of its own around
    the reasoning.
    """
    letters = extract_answer(text, options, stem).letters
    text = answer_part(text)
    closing = _CLOSING_LINE.search(text)
    return (text[: closing.start()].strip() if closing else text), letters or None


def first_instruction(question: Question, domain: Domain) -> str:
    """The prompt that every question of a kind begins with."""
    return domain.render("instruction", kind_name=KIND_NAMES[question.kind])


def has_rationale(kind: QuestionKind) -> bool:
    """Whether a rationale can be checked: letters can be compared with a key, key points cannot."""
    return kind != "short"


def judge(
    question: Question, instruction: str, result: ChatResult, round_: int, model: str, domain: Domain
) -> RationaleRound:
    """One try, accepted if it reaches the gold. Pure."""
    text, answer, why = "", None, ""
    if isinstance(result, CallFailure):
        why = f"call failed: {result.kind}: {result.message}"[:300]
    else:
        text, answer = stated_answer(result.text, question.options, question.stem)
        if answer is None:
            why = "it states no answer"
        elif answer != question.gold:
            why = f"it answers {answer}, the key is {question.gold}"
        elif not text:
            why = "it holds no reasoning"
    return RationaleRound(
        question_id=question.id,
        round=round_,
        prompt=instruction,
        text=text,
        answer=answer,
        accepted=not why,
        why=why,
        prompt_version=domain.version("answer"),
        model=model,
    )


def teacher_wrong(tries: pa.StructArray, ended: Iterable[RowOutcome]) -> pa.StructArray:
    """The first tries at questions whose key the teacher did not reach."""
    wrong = [o.row for o in ended if o.stage == STAGE and o.filter == TEACHER_WRONG]
    of_wrong = pc.is_in(tries.field("question_id"), pa.array(wrong, pa.string()))
    return tries.filter(pc.and_(of_wrong, pc.equal(tries.field("round"), 0)))


@dataclass
class _Polishing:
    """The tries at one question's rationale so far."""

    question: Question
    tries: list[RationaleRound] = field(default_factory=list)

    @property
    def accepted(self) -> RationaleRound | None:
        return next((t for t in reversed(self.tries) if t.accepted), None)

    @property
    def misses(self) -> int:
        """How many tries in a row brought nothing."""
        return next((n for n, t in enumerate(reversed(self.tries)) if t.accepted), len(self.tries))


def rationale_block(block: pa.Table, synth: SynthConfig, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of questions to rationales (at most one each), all tries, and outcomes."""
    questions = Question.from_table(block)
    instructions = [first_instruction(q, domain) for q in questions]
    results = llm.complete(_answers(llm.teacher, seed, 0, questions, instructions, domain), "rationales")
    polishing, failures = [], dict[int, CallFailure]()
    for at, (question, instruction, result) in enumerate(zip(questions, instructions, results, strict=True)):
        first = judge(question, instruction, result, 0, llm.teacher.model, domain)
        polishing.append(_Polishing(question, [first]))
        if isinstance(result, CallFailure):
            failures[at] = result
    for round_ in range(1, synth.rewrite_rounds + 1):
        patient = [p for p in polishing if not synth.rewrite_patience or p.misses < synth.rewrite_patience]
        _polish([p for p in patient if p.accepted], round_, synth, seed, llm, domain)
    records: list[Rationale | RationaleRound | RowOutcome] = []
    for at, each in enumerate(polishing):
        records += [*each.tries, *_ending(each, failures.get(at))]
    return to_mixed(records, (Rationale, RationaleRound, RowOutcome))


def _ending(polishing: _Polishing, failure: CallFailure | None) -> list[Rationale | RowOutcome]:
    """The rationale of a question and how it ended. Pure."""
    question, kept, first = polishing.question, polishing.accepted, polishing.tries[0]
    row = RowOrigin(STAGE, question.id, question.source, prompt=first.prompt_version)
    if failure is not None:
        return [row.failed(failure)]
    if kept is None or kept.answer is None:
        wrong = first.answer != question.gold
        return [row.filtered(TEACHER_WRONG if wrong else "no_reasoning", first.why, first.text)]
    rationale = Rationale(
        id=content_id("rationale", question.id, kept.prompt, kept.text),
        question_id=question.id,
        prompt=kept.prompt,
        text=kept.text,
        answer=kept.answer,
        round=kept.round,
        model=kept.model,
        prompt_version=kept.prompt_version,
    )
    return [rationale, row.ok(rationale.id)]


def _polish(
    polishing: Sequence[_Polishing], round_: int, synth: SynthConfig, seed: int, llm: LLM, domain: Domain
) -> None:
    """One round of rewriting: each question gets one more try in its history."""
    standing = {p.question.id: p.accepted for p in polishing}

    def prompt_of(each: _Polishing) -> str:
        kept = standing[each.question.id]
        return kept.prompt if kept else first_instruction(each.question, domain)

    rewrites = llm.complete(
        [_rewrite(llm.teacher, seed, round_, p.question, prompt_of(p), domain) for p in polishing],
        "prompt rewriting",
    )
    written = []
    for each, rewrite in zip(polishing, rewrites, strict=True):
        why = unusable(rewrite)
        if why is None and isinstance(rewrite, ChatReply):
            written.append((each, answer_part(rewrite.text)))
        else:
            each.tries.append(_no_try(each.tries[0], prompt_of(each), round_, why or ""))
    results = llm.complete(
        _answers(
            llm.teacher, seed, round_, [p.question for p, _ in written], [i for _, i in written], domain
        ),
        "rationales",
    )
    tries = [
        judge(p.question, instruction, result, round_, llm.teacher.model, domain)
        for (p, instruction), result in zip(written, results, strict=True)
    ]
    if synth.rationale_gate:
        tries = _gated([p for p, _ in written], tries, standing, seed, llm, domain)
    for (each, _), found in zip(written, tries, strict=True):
        each.tries.append(found)


def _gated(
    polishing: Sequence[_Polishing],
    tries: Sequence[RationaleRound],
    standing: Mapping[str, RationaleRound | None],
    seed: int,
    llm: LLM,
    domain: Domain,
) -> list[RationaleRound]:
    """Tries that reached the gold, but whose rationale is not found better, are no longer accepted."""
    asked = [
        (place, RationalePair(p.question, old.text, new.text, seed + new.round, domain))
        for place, (p, new) in enumerate(zip(polishing, tries, strict=True))
        if new.accepted and (old := standing[p.question.id]) is not None
    ]
    result = list(tries)
    for (place, _), better in zip(asked, new_is_better([pair for _, pair in asked], llm), strict=True):
        if not better:
            why = "the quality gate does not find it better"
            result[place] = result[place].model_copy(update={"accepted": False, "why": why})
    return result


def unusable(result: ChatResult) -> str | None:
    """Why a rewritten prompt cannot be put to use, or None."""
    if isinstance(result, CallFailure):
        return f"the prompt was not rewritten: call failed: {result.kind}: {result.message}"[:300]
    length = len(answer_part(result.text))
    if 0 < length <= LONGEST_PROMPT:
        return None
    return f"the rewritten prompt has {length} characters; 1 to {LONGEST_PROMPT} can be used"


def _no_try(first: RationaleRound, prompt: str, round_: int, why: str) -> RationaleRound:
    nothing = {"round": round_, "prompt": prompt, "text": "", "answer": None, "accepted": False, "why": why}
    return first.model_copy(update=nothing)


def _answers(
    teacher: TeacherConfig,
    seed: int,
    round_: int,
    questions: Sequence[Question],
    instructions: Sequence[str],
    domain: Domain,
) -> list[ChatRequest]:
    return [
        request(
            teacher,
            domain.render("answer", instruction=instruction, question=shown_to_teacher(question)),
            sample=seed * SAMPLES_PER_SEED + round_,
        )
        for question, instruction in zip(questions, instructions, strict=True)
    ]


def _rewrite(
    teacher: TeacherConfig, seed: int, round_: int, question: Question, instruction: str, domain: Domain
) -> ChatRequest:
    prompt = domain.render(
        "rewrite",
        kind_name=KIND_NAMES[question.kind],
        instruction=instruction,
        question=shown_to_teacher(question),
    )
    return request(teacher, prompt, sample=seed * SAMPLES_PER_SEED + round_)
