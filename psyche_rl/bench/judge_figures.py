"""How many judgements there are, how many failed, who wins, and how far judges agree.

Collaborators: ``evaluation.agreement`` has the statistics.
Invariant: what a judge did not rate is missing, never a rating.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from psyche_rl.bench.judgement import PairJudgement, ReplyJudgement
from psyche_rl.evaluation.agreement import cohens_kappa, judge_agreement, win_rate
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult

_WORTH = {"first": (1.0, 0.0), "tie": (0.0, 0.0), "second": (0.0, 1.0)}
"""What a verdict gives the two models."""


def judge_figures(said: Sequence[ReplyJudgement]) -> dict[str, Any]:
    """``asked``, ``failed`` and ``first_failure`` by judge, and the prompts with their versions."""
    failed = [(each.judge, each.error) for each in said if each.error is not None]
    return {
        "asked": dict(Counter(each.judge for each in said if each.asked)),
        "failed": dict(Counter(judge for judge, _ in failed)),
        "first_failure": dict(reversed(failed)),
        "prompts": sorted({each.prompt for each in said}),
    }


def agreement_by_metric(judges: Mapping[str, Sequence[ItemResult]]) -> dict[str, Any]:
    """Of each of the judges' scores that two or more of them gave: Krippendorff's alpha (interval) over all,
    Cohen's kappa of each two.

    Args:
        judges: the rows with what one judge said of them, by its name.
    """
    every = [row for rows in judges.values() for row in rows]
    names = dict.fromkeys(name for row in every for name in row.scores if name.startswith("judge:"))
    return {name: asdict(judge_agreement(judges, name)) for name in names if _has_pair(every, name)}


def pair_figures(said: Sequence[PairJudgement], settings: BootstrapSettings = AS_USUAL) -> dict[str, Any]:
    """Pairs, failures, how often the order decided, and the second model's win rate with its interval."""
    whole = [(each, each.verdict) for each in said if each.verdict is not None]
    worth = np.array([_WORTH[verdict] for _, verdict in whole]).reshape(-1, 2)
    clusters = [each.cluster for each, _ in whole]
    rate = asdict(win_rate(worth[:, 0], worth[:, 1], clusters, settings)) if whole else None
    return {
        "pairs": len(said),
        "failed": len(said) - len(whole),
        "first_failure": next((each.error for each in said if each.verdict is None), None),
        "order_decided": sum({each.shown, each.swapped} == {"first", "second"} for each, _ in whole),
        "prompts": sorted({each.prompt for each in said}),
        "win_rate": rate,
    }


def pair_agreement(said: Sequence[PairJudgement]) -> dict[str, float]:
    """Cohen's kappa of each two judges over the pairs of replies that both judged."""
    by_judge: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
    for each in said:
        if each.verdict is not None:
            by_judge[each.judge][each.item, each.sample] = each.verdict
    found = {}
    for first, second in combinations(by_judge, 2):
        both = sorted(by_judge[first].keys() & by_judge[second].keys())
        if both:
            verdicts = ([by_judge[judge][key] for key in both] for judge in (first, second))
            found[f"{first} and {second}"] = cohens_kappa(*verdicts)
    return found


def _has_pair(rows: Sequence[ItemResult], metric: str) -> bool:
    """Whether some reply was rated by two judges."""
    return max(Counter(row.key for row in rows if metric in row.scores).values(), default=0) > 1
