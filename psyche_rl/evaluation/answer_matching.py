"""Asking a model which letters a reply commits to, where the rules find nothing or two things.

Role: evaluation alone (``eval.extraction: rules+judge``); rewards and the accuracy curve never come here.
Collaborators: ``rewards.extract_answer`` goes first; ``llm.ask_json`` asks; the stage keeps what is said.
Invariants:
- A reply that the rules can read is not asked about, nor one without an answer part: empty, or cut off in its
  think block. What stands in the block is not shown.
- The judge does not see the key.
- A judge who says nothing usable leaves the reply unanswered, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from psyche_rl.config.keys import renamed
from psyche_rl.evaluation.grading import GradedAnswer
from psyche_rl.evaluation.judged_answer import JudgedAnswer
from psyche_rl.llm import CallFailure, ChatRequest, ask_json
from psyche_rl.llm.json_reply import read_json
from psyche_rl.llm.structured import Door
from psyche_rl.prompt_folder import PromptFolder
from psyche_rl.questions.render import bare
from psyche_rl.records import Question
from rewards import McqStrict, extract_answer
from rewards.reply import answer_part
from rewards.text.canonical import canonical_gold

PROMPT = "match_answer"
PROMPTS = PromptFolder(Path(__file__).parent / "prompts")
NOT_OPEN = ("think_unclosed", "out_of_range")
"""Rules that give no letters and leave nothing open: there is no answer, or one that is no option."""
_NONE = ("", "NONE", "NULL", "无")
_WORD = re.compile(r"[a-z]{2}")  # of which canonical_gold would take each letter
ERROR_CHARS = 300
_KEYS = {"teacher.max_tokens": "eval.judge.max_tokens", "teacher.vllm.": "eval.engine."}
"""Keys that the client names -> those of the judge's own settings."""


class MatchedLetters(BaseModel):
    """Reply to ``match_answer.j2``: empty where the reply commits to none."""

    letters: str


def is_open(row: GradedAnswer, question: Question) -> bool:
    """Whether the rules leave it open what a reply answers."""
    if row.answer is not None or not answer_part(row.response):
        return False
    return extract_answer(row.response, question.options, question.stem).rule not in NOT_OPEN


def judged_answers(
    model: str, rows: Sequence[GradedAnswer], questions: Mapping[str, Question], door: Door
) -> list[JudgedAnswer]:
    """The judge's reading of each row that is open, in order.

    Args:
        questions: by their ids.

    Raises:
        TeacherError, BudgetError, RemoteWaitError: as ``door.complete``.
    """
    asked = [row for row in rows if is_open(row, questions[row.question_id])]
    requests = [_request(row, questions[row.question_id], door) for row in asked]
    found = ask_json(door, requests, MatchedLetters, "answer matching", letters_of)
    readings = []
    for row, result in zip(asked, found, strict=True):
        question = questions[row.question_id]
        if isinstance(result, CallFailure):
            letters, error = "", renamed(f"{result.kind}: {result.message}", _KEYS)[:ERROR_CHARS]
        else:
            letters, error = result.value, ""
        count = len(question.options)
        if letters and (lacking := _lacking(letters, count)):
            letters, error = "", f"it names {lacking}, but there are {count} options"
        readings.append(
            JudgedAnswer(
                model=model,
                question_id=row.question_id,
                answer=letters or None,
                correct=bool(letters) and _is_right(letters, question),
                error=error or None,
                judge=door.teacher.model,
                prompt_version=PROMPTS.version(PROMPT),
            )
        )
    return readings


def letters_of(reply: str) -> str:
    """The letters in a judge's reply, sorted; empty for none.

    Raises:
        ValueError: it is not the JSON asked for, or names what is no letter.
    """
    said = read_json(reply, MatchedLetters).letters.strip(" .。")
    if said.upper() in _NONE:
        return ""
    if _WORD.search(said):
        raise ValueError(f"letters are '{said}'; give them as in 'AC', and none as ''")
    return canonical_gold(said)


def _request(row: GradedAnswer, question: Question, door: Door) -> ChatRequest:
    # A reply that writes the closing tag would else go on as if it were the prompt.
    reply = answer_part(row.response).replace("</reply>", "< /reply>")
    prompt = PROMPTS.render(PROMPT, question=bare(question), reply=reply)
    return ChatRequest(
        model=door.teacher.model,
        messages=(("user", prompt),),
        temperature=door.teacher.temperature,
        max_tokens=door.teacher.max_tokens,
    )


def _lacking(letters: str, options: int) -> str:
    try:
        canonical_gold(letters, options or None)
    except ValueError:
        return letters
    return ""


def _is_right(letters: str, question: Question) -> bool:
    gold = canonical_gold(question.gold, len(question.options) or None)
    return McqStrict().worth(frozenset(letters), frozenset(gold)) == 1.0
