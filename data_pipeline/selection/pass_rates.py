"""How often selectors were right, by kind of question and by selector. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from data_pipeline.answering.verdict import Verdicts, pass_rate
from psyche_rl.records import Question


def pass_rate_histogram(questions: Iterable[Question], verdicts: Verdicts) -> dict[str, list[list[float]]]:
    """``"all"`` and each kind -> [share of right samples, number of questions], by rising share."""
    counts: dict[str, Counter[float]] = {"all": Counter()}
    for question in questions:
        given = verdicts.get(question.id)
        if given:
            rate = pass_rate(given)
            for scope in ("all", question.kind):
                counts.setdefault(scope, Counter())[rate] += 1
    return {scope: [[rate, n] for rate, n in sorted(c.items())] for scope, c in counts.items()}


def selector_accuracy(questions: Iterable[Question], verdicts: Verdicts) -> dict[str, dict[str, float]]:
    """Selector -> kind (and ``"all"``) -> share of its samples that were right."""
    right: dict[str, dict[str, Counter[bool]]] = {}
    for question in questions:
        for verdict in verdicts.get(question.id, ()):
            for scope in (question.kind, "all"):
                right.setdefault(verdict.selector, {}).setdefault(scope, Counter())[verdict.correct] += 1
    return {
        selector: {scope: round(hits[True] / hits.total(), 4) for scope, hits in scopes.items()}
        for selector, scopes in right.items()
    }
