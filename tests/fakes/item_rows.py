"""Item results for pages and logs: models on two benchmarks, with names and replies that attack them."""

from __future__ import annotations

import json
import random

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.item_result import ItemResult

HOSTILE = '<img src=x onerror="window.attacked=1">&\\_%$#{}~^|</script>'
MODELS = {"warm_v2": 0.55, "policy 心理 7B": 0.72, HOSTILE: 0.41}
ASKED = "单选题：短时记忆的容量约为？\nA.七\nB.九"
PARTS = ("case", "moral", "theory")


def own_essays() -> Benchmark:
    """The description of the second benchmark."""
    return Benchmark(
        name="essays_own", title="Essays", source="made here", licence="CC0-1.0", citation="none",
        get="made here", headline_metric="keypoint_recall",
    )  # fmt: skip


def item_row(**fields: object) -> ItemResult:
    """A row of a single-choice item, right and read by a rule, but for the fields given."""
    base: dict[str, object] = {
        "benchmark": "pceb", "model": "m", "item": "q1", "sample": 0, "part": "theory_single",
        "kind": "single", "subject": None, "level": None, "cluster": "q1",
        "prompt": json.dumps([{"role": "user", "content": ASKED}], ensure_ascii=False),
        "response": "<think>七加减二。</think>答案：A", "reasoning": "", "gold": "A", "answer": "A",
        "rule": "cue",
        "scores": {"mcq_strict": 1.0}, "unscored": (), "notes": {}, "ended": "stop", "error": None,
        "prompt_tokens": 20, "response_tokens": 9,
    }  # fmt: skip
    return ItemResult.model_validate(base | fields)


def board_rows(items: int = 40, seed: int = 0) -> list[ItemResult]:
    """For each model ``items`` of each part and kind of pceb, in cases of four, and a second benchmark."""
    rows = []
    for model, skill in MODELS.items():
        draw = random.Random(f"{seed}/{model}")
        for part in PARTS:
            for kind in ("single", "multiple"):
                rows += [_pceb(model, part, kind, n, draw, skill) for n in range(items)]
        for n in range(items):
            right = float(draw.random() < skill)
            rows.append(
                item_row(
                    benchmark="essays_own",
                    model=model,
                    item=f"essay-{n}",
                    cluster=f"essay-{n}",
                    part="essays",
                    kind="short",
                    gold="要点一；要点二",
                    answer=None,
                    rule=None,
                    response=f"要点{n}",
                    scores={"keypoint_recall": right} if n else {},
                    unscored=() if n else ("keypoint_recall",),
                    notes={"keypoint_recall": "judge: 1 of 2 points"},
                )
            )
    return rows


def _pceb(model: str, part: str, kind: str, n: int, draw: random.Random, skill: float) -> ItemResult:
    right = draw.random() < skill
    gold = "A" if kind == "single" else "ABD"
    answer = gold if right else "C" if kind == "single" else "AB"
    elastic = 1.0 if right else len(answer) / 3 if kind == "multiple" else 0.0
    return item_row(
        model=model, item=f"{part}-{kind}-{n}", part=f"{part}_{kind}", kind=kind, gold=gold, answer=answer,
        cluster=f"case-{n // 4}" if part == "case" else f"{part}-{kind}-{n}",
        response=f"<think>{HOSTILE if n == 0 else '逐项看。'}</think>答案：{answer}{HOSTILE * (n == 1)}",
        scores={"mcq_strict": float(right), "mcq_elastic": elastic}, level="初级" if n % 2 else "中级",
    )  # fmt: skip
