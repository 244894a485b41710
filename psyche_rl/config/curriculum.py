"""In which order questions are asked (``grpo.curriculum``), and what that needs of cross-selection.

Collaborators: ``run.py`` refuses what does not go together; ``psyche_rl.loops.curriculum`` makes the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from psyche_rl.config.base import Contradiction
from psyche_rl.config.selection import SelectConfig

CurriculumKind = Literal["easy_to_hard", "prioritized"]


def without_pass_rates(kind: CurriculumKind | None, select: SelectConfig) -> Iterator[Contradiction]:
    """Whatever leaves the questions without pass rates that differ."""
    if kind is None:
        return
    if select.skip:
        yield Contradiction(
            ("grpo.curriculum", "select.skip"),
            kind,
            "with select.skip no selector answers, so there are no pass rates to order by",
            "set grpo.curriculum=null, or select.skip=false",
        )
    elif select.rule == "all_wrong":
        yield Contradiction(
            ("grpo.curriculum", "select.rule"),
            kind,
            "by select.rule=all_wrong every question of the GRPO set has a pass rate of 0",
            "set select.rule to majority or pass_rate, or grpo.curriculum=null",
        )
