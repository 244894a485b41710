"""What a reply to an item is worth: the one place where replies become :class:`ItemResult`.

Role: pure; the runner, ``bench score`` and readers of foreign logs all call :func:`score_item`.
Collaborators: ``metric_names`` knows metrics, ``rewards`` scores.
Invariants:
- What is evaluated is what was rewarded: one extraction, one format rule.
- A call that failed has no scores: all of them are ``unscored``. A reply without an answer is worth 0.
- A reply that was cut is scored as it stands.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.item_result import ItemEnd, ItemResult
from psyche_rl.evaluation.metric_names import NOT_APPLICABLE, Scored, metric_of, read_choice
from psyche_rl.evaluation.refusal_phrases import is_refusal
from rewards import LanguageMix, RewardSample, ThinkFormat
from rewards.shipped.language_mix import Script
from rewards.text.think_tags import THINK_TAG

UNANSWERED: tuple[ItemEnd, ...] = ("failed", "too_long")
"""Ends of an item without any reply."""
FORMAT, REFUSAL = "format", "refusal"
"""Names of what is measured of every reply besides; a third is ``language_mix_han`` or ``…_latin``."""
_FORM = ThinkFormat()


class ItemReply(NamedTuple):
    """A model's reply; ``reasoning`` is what a server gives apart from the text. Lengths are tokens, 0 where
    the server counts none."""

    text: str
    reasoning: str = ""
    ended: ItemEnd = "stop"
    error: str | None = None
    prompt_tokens: int = 0
    response_tokens: int = 0


def score_item(
    benchmark: Benchmark, item: BenchmarkItem, reply: ItemReply, *, model: str, sample: int = 0
) -> ItemResult:
    """The row of one reply."""
    names = () if benchmark.unkeyed else benchmark.metrics_of(bool(item.options))
    scores: dict[str, float] = {}
    unscored: list[str] = []
    letters: str | None = None
    rule: str | None = None
    if reply.ended in UNANSWERED:
        unscored = list(names)
    else:
        told = _sample(item, reply)
        if benchmark.extraction == "letters" and item.options:
            letters, rule = read_choice(told)
        for name in names:
            found = metric_of(name)(Scored(told, item, letters))
            if isinstance(found, float):
                scores[name] = found
            elif found is not NOT_APPLICABLE:
                unscored.append(name)
        scores |= _besides(benchmark, told, reply)
    return ItemResult(
        benchmark=benchmark.name,
        model=model,
        item=item.id,
        sample=sample,
        part=item.part,
        kind=item.kind,
        subject=item.subject,
        level=item.level,
        cluster=item.cluster,
        prompt=prompt_json(item),
        response=reply.text,
        reasoning=reply.reasoning,
        gold=item.gold,
        answer=letters,
        rule=rule,
        scores=scores,
        unscored=tuple(unscored),
        notes={},
        ended=reply.ended,
        error=reply.error,
        prompt_tokens=reply.prompt_tokens,
        response_tokens=reply.response_tokens,
    )


def prompt_json(item: BenchmarkItem) -> str:
    """An item's messages as ``ItemResult.prompt`` holds them."""
    turns = [{"role": message.role, "content": message.content} for message in item.messages]
    return json.dumps(turns, ensure_ascii=False)


def _sample(item: BenchmarkItem, reply: ItemReply) -> RewardSample:
    return RewardSample(
        id=item.id,
        response=reply.text,
        gold=item.gold,
        kind=item.kind,
        options=item.options,
        stem=item.stem,
        reference=None if item.options else item.gold,
        truncated=reply.ended == "length",
        response_tokens=reply.response_tokens or None,
    )


def _besides(benchmark: Benchmark, told: RewardSample, reply: ItemReply) -> dict[str, float]:
    """What is measured of every reply: format, refusal, language."""
    whole = told
    if reply.reasoning and not THINK_TAG.search(reply.text):
        whole = told.model_copy(update={"response": f"<think>{reply.reasoning}</think>{reply.text}"})
    script: Script = "latin" if benchmark.language == "en" else "han"
    found = {
        FORMAT: _FORM.score(whole).value,
        REFUSAL: float(reply.ended == "refusal" or is_refusal(reply.text)),
    }
    if benchmark.language != "zh+en":
        mixed = LanguageMix(script).score(told).value
        found[f"language_mix_{script}"] = None if mixed is None else abs(mixed)
    return {name: value for name, value in found.items() if value is not None}
