"""The order of the questions within an epoch by how many selectors' answers were right.

Role: ``grpo.curriculum``. ``easy_to_hard`` asks the highest pass rate first; ``prioritized`` samples without
replacement with weights of 1 - pass rate, so that hard ones tend to come early (both: Kimi k1.5, arXiv
2501.12599, section 2.3.5).
Collaborators: ``prompt_schedule`` asks for an epoch's order; cross-selection wrote the pass rates.
Invariants:
- An order is a pure function of questions, pass rates, seed and epoch, so a resumed run asks the same.
- Every question is in it once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psyche_rl.config.curriculum import CurriculumKind
from psyche_rl.errors import DataError
from psyche_rl.records import Question
from psyche_rl.seeded import generator, share
from psyche_rl.store import RunStore

VERDICTS = "select/verdict_table.parquet"


@dataclass(frozen=True)
class Curriculum:
    """``pass_rates``: question id -> share of the selectors' answers that were right."""

    kind: CurriculumKind
    pass_rates: Mapping[str, float]

    def order(self, questions: Sequence[Question], seed: int, epoch: int) -> list[int]:
        """Places of the questions, in the order in which an epoch asks them."""
        rates = [self.pass_rates[question.id] for question in questions]
        order = list(range(len(questions)))
        if self.kind == "easy_to_hard":
            generator("order", seed, epoch).shuffle(order)  # equally hard ones
            return sorted(order, key=lambda place: -rates[place])
        draws = [share("curriculum", seed, epoch, question.id) for question in questions]
        return sorted(order, key=lambda place: _arrival(draws[place], 1 - rates[place]))


def read_curriculum(
    store: RunStore, kind: CurriculumKind | None, questions: Sequence[Question]
) -> Curriculum | None:
    """By the pass rates of a run's cross-selection; None where none is wanted.

    Raises:
        DataError: a question has no pass rate.
    """
    if kind is None:
        return None
    rows = store.read_table(VERDICTS).to_pylist() if store.exists(VERDICTS) else []
    rates = {row["question_id"]: row["pass_rate"] for row in rows if row["pass_rate"] is not None}
    if unknown := next((question.id for question in questions if question.id not in rates), None):
        raise DataError(
            f"{store.url}/{VERDICTS}: no pass rate of question {unknown}, so grpo.curriculum={kind} has no "
            "place for it; set grpo.curriculum=null"
        )
    return Curriculum(kind, rates)


def _arrival(draw: float, weight: float) -> float:
    """When an item of this weight arrives, if each comes at random at its own rate: sorting by it samples
    without replacement (Efraimidis and Spirakis, 2006)."""
    return -math.log1p(-draw) / weight if weight > 0 else math.inf
