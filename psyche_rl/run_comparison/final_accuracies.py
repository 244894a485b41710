"""Final accuracies of several runs, and whether they differ, by paired tests on the items they share.

Pure. Collaborator: ``evaluation.paired_tests``, the same tests as ``bench compare``.
Invariants:
- An item is shared where its id, text, options and key are the same in both runs; others are counted.
- Items of one case are one cluster.
- p is adjusted by Holm over everything that one comparison tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from psyche_rl.evaluation import GradedAnswer
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.paired_tests import PairedDifference, compared, holm
from psyche_rl.records import Question
from psyche_rl.report.accuracies import NAMES, NONE
from psyche_rl.run_comparison.compared_run import ComparedRun


@dataclass(frozen=True)
class AccuracyTest:
    """``second`` against ``first`` (letters of runs) of one model: "base", "sft" or "grpo"."""

    model: str
    first: str
    second: str
    found: PairedDifference
    unpaired: int
    """Items that only one of the two was asked, or that are not the same in both."""
    holm_p: float

    @property
    def mcnemar(self) -> float | None:
        """p of the exact test, of its clustered form where items share a case."""
        return self.found.mcnemar_p if self.found.clusters == self.found.n else self.found.mcnemar_clustered_p

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values, in one level."""
        told: dict[str, Any] = asdict(self)
        found: dict[str, Any] = told.pop("found")
        return told | {"first_run": self.first, "second_run": self.second} | found


def p_text(p: float | None) -> str:
    """Three digits; what rounds to 0 is not 0."""
    return NONE if p is None else "<0.001" if p < 0.0005 else f"{p:.3f}"


def accuracy_tests(runs: Sequence[ComparedRun], settings: BootstrapSettings = AS_USUAL) -> list[AccuracyTest]:
    """Each model of each pair of runs that have answers of it to the same items."""
    found = list(_differences(runs, settings))
    adjusted = holm([difference.p for *_, difference, _ in found])
    return [
        AccuracyTest(model, first.letter, second.letter, difference, unpaired, p)
        for (model, first, second, difference, unpaired), p in zip(found, adjusted, strict=True)
    ]


def _differences(
    runs: Sequence[ComparedRun], settings: BootstrapSettings
) -> Iterator[tuple[str, ComparedRun, ComparedRun, PairedDifference, int]]:
    for model in NAMES:
        for first, second in combinations((run for run in runs if model in run.answers), 2):
            ours, theirs = _by_item(first, model), _by_item(second, model)
            both = sorted(ours.keys() & theirs.keys())
            both = [item for item in both if ours[item][0] == theirs[item][0]]
            if both:
                a = np.array([float(ours[item][1].correct) for item in both])
                b = np.array([float(theirs[item][1].correct) for item in both])
                clusters = [ours[item][0][1] or item for item in both]
                unpaired = len(ours.keys() | theirs.keys()) - len(both)
                yield model, first, second, compared(a, b, clusters, settings), unpaired


def _by_item(run: ComparedRun, model: str) -> dict[str, tuple[tuple[Any, ...], GradedAnswer]]:
    """Id -> (what was asked, the answer); an answer to a question that is not there cannot be compared."""
    return {
        row.question_id: (_asked(question), row)
        for row in run.answers[model]
        if (question := run.questions.get(row.question_id)) is not None
    }


def _asked(question: Question) -> tuple[Any, ...]:
    return question.kind, question.case, question.stem, question.options, question.gold
