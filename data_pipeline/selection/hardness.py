"""Which questions are hard (paper section 3.2). Pure.

Collaborators: ``answering`` gets the verdicts, ``label_audit`` decides which keys are doubtful.
Invariant: a question is hard if every selector is wrong on it, by the rule set.
Known weakness of the paper's rule: "all wrong" also collects wrong keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from data_pipeline.answering.verdict import Verdicts, can_be_judged, pass_rate
from psyche_rl.config.selection import SelectionRule
from psyche_rl.records import Question, Verdict
from psyche_rl.seeded import rank


def is_hard(
    verdicts: Sequence[Verdict],
    rule: SelectionRule = "all_wrong",
    band: tuple[float, float] = (0.0, 0.5),
) -> bool:
    """Every selector wrong (no verdict at all is no proof of hardness).

    ``all_wrong``: a selector is wrong if none of its samples is right (the paper's rule).
    ``majority``: a selector is wrong unless more than half of its samples are right, so that a lucky guess
    does not take a question it cannot answer out of the GRPO set.
    ``pass_rate``: the share of right samples over all selectors lies in ``band``, its ends included.
    """
    if rule == "pass_rate":
        return bool(verdicts) and band[0] <= pass_rate(verdicts) <= band[1]
    samples: dict[str, list[bool]] = defaultdict(list)
    for verdict in verdicts:
        samples[verdict.selector].append(verdict.correct)
    needed = {name: len(hits) / 2 if rule == "majority" else 0 for name, hits in samples.items()}
    return bool(samples) and all(sum(hits) <= needed[name] for name, hits in samples.items())


def hard_ids(
    questions: Collection[Question],
    verdicts: Verdicts,
    rule: SelectionRule = "all_wrong",
    band: tuple[float, float] = (0.0, 0.5),
) -> set[str]:
    """Ids of the questions for GRPO."""
    return {q.id for q in questions if is_hard(verdicts.get(q.id, ()), rule, band)}


def random_ids(questions: Collection[Question], share: float, seed: int) -> set[str]:
    """Ablation: ``share`` of the judgeable questions for GRPO, drawn by a seeded hash of their ids."""
    pool = [q.id for q in questions if can_be_judged(q)]
    pool.sort(key=lambda id_: rank(seed, "select", id_))
    return set(pool[: round(share * len(pool))])
