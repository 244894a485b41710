"""How many judgements there are, how many failed, and how far judges agree, axis by axis.

Collaborators: ``evaluation.agreement`` has the statistics.
Invariant: what a judge did not rate is missing, never a rating.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from psyche_rl.bench.judgement import Judgement, PairJudgement
from psyche_rl.evaluation.agreement import PairVerdict, cohens_kappa, krippendorffs_alpha, win_rate
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings


def judge_figures(said: Sequence[Judgement]) -> dict[str, Any]:
    """``asked`` and ``failed`` by judge, ``prompts``, and ``agreement`` by axis where there are two or more.

    An axis' ``alpha`` is Krippendorff's (interval), ``kappa`` Cohen's of each pair of judges over the replies
    that both rated; ``n`` counts replies that two or more rated.
    """
    judges = list(dict.fromkeys(each.judge for each in said))
    return {
        "asked": dict(Counter(each.judge for each in said)),
        "failed": dict(Counter(each.judge for each in said if each.error is not None)),
        "prompts": sorted({each.prompt for each in said}),
        "agreement": _agreement(said, judges) if len(judges) > 1 else {},
    }


def pair_figures(said: Sequence[PairJudgement], settings: BootstrapSettings = AS_USUAL) -> dict[str, Any]:
    """Pairs, failures, how often the order decided, and the second model's win rate with its interval."""
    whole = [each for each in said if each.verdict is not None]
    verdicts: list[PairVerdict] = [_verdict(each.verdict) for each in whole]
    rate = win_rate(verdicts, [each.cluster for each in whole], settings) if whole else None
    return {
        "pairs": len(said),
        "failed": len(said) - len(whole),
        "order_decided": sum({each.shown, each.swapped} == {"first", "second"} for each in whole),
        "prompts": sorted({each.prompt for each in said}),
        "win_rate": None if rate is None else vars(rate),
    }


def pair_agreement(said: Sequence[PairJudgement]) -> dict[str, float]:
    """Cohen's kappa of each pair of judges over the pairs of replies that both judged."""
    by_judge: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
    for each in said:
        if each.verdict is not None:
            by_judge[each.judge][each.item, each.sample] = each.verdict
    return _kappas({judge: dict(found) for judge, found in by_judge.items()})


def _agreement(said: Sequence[Judgement], judges: Sequence[str]) -> dict[str, Any]:
    ratings: dict[str, dict[str, dict[tuple[str, int], float]]] = defaultdict(lambda: defaultdict(dict))
    for each in said:
        for axis, value in each.axes.items():
            ratings[axis][each.judge][each.item, each.sample] = value
    found = {}
    for axis, by_judge in ratings.items():
        keys = sorted({key for rated in by_judge.values() for key in rated})
        table = [[by_judge[judge].get(key) for key in keys] for judge in judges]
        both = sum(sum(judge[at] is not None for judge in table) > 1 for at in range(len(keys)))
        rated = {judge: dict(by_judge[judge]) for judge in judges}
        found[axis] = {"n": both, "alpha": krippendorffs_alpha(table), "kappa": _kappas(rated)}
    return found


def _kappas(rated: dict[str, dict[tuple[str, int], Any]]) -> dict[str, float]:
    """``first ~ second`` -> kappa, of the judges that rated something together."""
    found = {}
    for first, second in combinations(rated, 2):
        both = sorted(rated[first].keys() & rated[second].keys())
        if both:
            kappa = cohens_kappa([rated[first][k] for k in both], [rated[second][k] for k in both])
            found[f"{first} ~ {second}"] = kappa
    return found


def _verdict(said: str | None) -> PairVerdict:
    assert said in ("first", "second", "tie")
    return said  # type: ignore[return-value]
