"""Having replies judged, and putting what the judges said into the rows.

Role: pure but for the door; any endpoint or vLLM engine stands behind it.
Collaborators: ``judge_prompt`` (what is asked), ``llm.ask_json`` (checked answers, one repair).
Invariants:
- A judgement that failed is ``unscored`` by its name, never a 0. An empty answer is worth 0 and is not sent.
- A reply that never came is not judged: it is unscored.
- Several judges count as their mean; what each said is in ``notes``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from psyche_rl.bench.judge_prompt import JudgePrompt
from psyche_rl.bench.judgement import ReplyJudgement
from psyche_rl.config.bench import in_bench_keys
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.item_scoring import UNANSWERED
from psyche_rl.llm import CallFailure, ChatRequest, ask_json
from psyche_rl.llm.structured import Door
from rewards.reply import answer_part

PromptOf = Callable[[str], JudgePrompt | None]
"""By the part of an item."""
PHASE = "judge"
ERROR_CHARS = 300
Key = tuple[str, int]


def judgements(
    rows: Sequence[ItemResult], prompt_of: PromptOf, judge: str, door: Door
) -> list[ReplyJudgement]:
    """What a judge says of each row that has a reply and a prompt, in order.

    Raises:
        TeacherError, BudgetError, RemoteWaitError: as ``door.complete``.
    """
    asked: dict[str, list[ItemResult]] = defaultdict(list)
    prompts: dict[str, JudgePrompt] = {}
    for row in rows:
        prompt = prompt_of(row.part)
        if prompt is not None and row.ended not in UNANSWERED:
            prompts[prompt.name] = prompt
            asked[prompt.name].append(row)
    found: dict[Key, ReplyJudgement] = {}
    for name, of_prompt in asked.items():
        for row, said in zip(of_prompt, _said(of_prompt, prompts[name], judge, door), strict=True):
            found[row.item, row.sample] = said
    return [found[key] for row in rows if (key := (row.item, row.sample)) in found]


def _said(rows: Sequence[ItemResult], prompt: JudgePrompt, judge: str, door: Door) -> list[ReplyJudgement]:
    sent = [row for row in rows if answer_part(row.response)]
    requests = [
        ChatRequest(
            model=door.teacher.model,
            messages=prompt.messages(row),
            temperature=door.teacher.temperature,
            max_tokens=door.teacher.max_tokens,
        )
        for row in sent
    ]
    answers = dict(zip(map(id, sent), ask_json(door, requests, prompt.shape, PHASE), strict=True))
    made = []
    for row in rows:
        answer = answers.get(id(row))
        axes, error = dict.fromkeys(prompt.axes, 0.0), None
        if isinstance(answer, CallFailure):
            axes, error = {}, in_bench_keys(f"{answer.kind}: {answer.message}")[:ERROR_CHARS]
        elif answer is not None:
            axes = {axis: float(value) for axis, value in answer.value.model_dump().items()}
        made.append(
            ReplyJudgement(
                benchmark=row.benchmark,
                model=row.model,
                item=row.item,
                sample=row.sample,
                cluster=row.cluster,
                judge=judge,
                prompt=prompt.version,
                asked=answer is not None,
                axes=axes,
                error=error,
            )
        )
    return made


def with_judgements(
    rows: Sequence[ItemResult], prompt_of: PromptOf, said: Sequence[ReplyJudgement]
) -> list[ItemResult]:
    """The rows with what was said of them, in place of what earlier judges said."""
    by_row: dict[Key, list[ReplyJudgement]] = defaultdict(list)
    for each in said:
        by_row[each.item, each.sample].append(each)
    return [_judged(row, prompt_of(row.part), by_row[row.item, row.sample]) for row in rows]


def _judged(row: ItemResult, prompt: JudgePrompt | None, said: Sequence[ReplyJudgement]) -> ItemResult:
    if prompt is None:
        return row
    earlier = set(prompt.metrics)
    scores = {name: value for name, value in row.scores.items() if name not in earlier}
    unscored = tuple(name for name in row.unscored if name not in earlier)
    given = [each.axes for each in said if each.error is None]
    if given:
        scores |= prompt.scores(_mean(given))
    else:
        unscored += prompt.metrics
    told: Mapping[str, object] = {
        each.judge: each.axes if each.error is None else each.error for each in said
    }
    notes = dict(row.notes)
    if told:
        note = {"prompt": prompt.version, "judges": told}
        notes[f"judge:{prompt.name}"] = json.dumps(note, ensure_ascii=False)
    return row.model_copy(update={"scores": scores, "unscored": unscored, "notes": notes})


def _mean(given: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {axis: sum(each[axis] for each in given) / len(given) for axis in given[0]}
