"""Two models' replies to the same items against each other, each pair shown in both orders.

Collaborators: ``prompts/better_reply.j2`` (ours), ``judge_figures``.
Invariants:
- A judge who contradicts itself when the order changes calls it a tie; how often is counted.
- A pair of which one order failed has no verdict, and is counted as failed.
- Items that only one of the models answered are no pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from psyche_rl.bench.judge_prompt import conversation
from psyche_rl.bench.judgement import PairJudgement
from psyche_rl.bench.judging import ERROR_CHARS
from psyche_rl.config.bench import in_bench_keys
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.item_scoring import UNANSWERED
from psyche_rl.llm import CallFailure, ChatRequest, JsonAnswer, ask_json
from psyche_rl.llm.structured import Door
from psyche_rl.prompt_folder import PromptFolder
from rewards.reply import answer_part

PROMPT = "better_reply"
PROMPTS = PromptFolder(Path(__file__).parent / "prompts")
PHASE = "pairs"
_OF_LETTER = {"A": "first", "B": "second", "tie": "tie"}
_SWAPPED = {"A": "second", "B": "first", "tie": "tie"}
"""Which model a letter means, by the order in which they were shown."""


class BetterReply(BaseModel):
    """Reply to ``better_reply.j2``."""

    better: Literal["A", "B", "tie"]


def pair_judgements(
    first: Sequence[ItemResult], second: Sequence[ItemResult], judge: str, door: Door
) -> list[PairJudgement]:
    """A verdict on each item and sample that both models have a reply to.

    Raises:
        TeacherError, BudgetError, RemoteWaitError: as ``door.complete``.
    """
    others = {row.key: row for row in second if row.ended not in UNANSWERED}
    pairs = [(row, others[row.key]) for row in first if row.key in others and row.ended not in UNANSWERED]
    requests = [_request(a, b, door) for a, b in pairs] + [_request(b, a, door) for a, b in pairs]
    said = ask_json(door, requests, BetterReply, PHASE)
    shown, swapped = said[: len(pairs)], said[len(pairs) :]
    return [_judgement(*pair, judge, *both) for pair, *both in zip(pairs, shown, swapped, strict=True)]


def _request(shown_first: ItemResult, shown_second: ItemResult, door: Door) -> ChatRequest:
    asked = conversation(shown_first.prompt)
    text = PROMPTS.render(PROMPT, asked=asked, a=_fenced(shown_first), b=_fenced(shown_second))
    teacher = door.teacher
    return ChatRequest(teacher.model, (("user", text),), teacher.temperature, teacher.max_tokens)


def _fenced(row: ItemResult) -> str:
    """The answer part, with nothing in it that would end its fence."""
    answer = answer_part(row.response)
    for letter in "ab":
        answer = answer.replace(f"</reply_{letter}>", f"<／reply_{letter}>")
    return answer


def _judgement(
    first: ItemResult,
    second: ItemResult,
    judge: str,
    shown: JsonAnswer[BetterReply] | CallFailure,
    swapped: JsonAnswer[BetterReply] | CallFailure,
) -> PairJudgement:
    errors = [f"{each.kind}: {each.message}" for each in (shown, swapped) if isinstance(each, CallFailure)]
    one = None if isinstance(shown, CallFailure) else _OF_LETTER[shown.value.better]
    other = None if isinstance(swapped, CallFailure) else _SWAPPED[swapped.value.better]
    return PairJudgement(
        benchmark=first.benchmark,
        item=first.item,
        sample=first.sample,
        cluster=first.cluster,
        first_model=first.model,
        second_model=second.model,
        judge=judge,
        prompt=PROMPTS.version(PROMPT),
        shown=one,
        swapped=other,
        verdict=None if one is None or other is None else _together(one, other),
        error=in_bench_keys("; ".join(errors))[:ERROR_CHARS] or None,
    )


def _together(shown: str, swapped: str) -> str:
    """The verdict of both orders: a judge who contradicts itself calls it a tie."""
    return shown if shown == swapped else "tie"
