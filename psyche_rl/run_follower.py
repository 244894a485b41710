"""Whoever is told of a run while it goes on; stages and loops know this protocol and no tracker.

Collaborators: ``loops.metrics_log`` tells rows, the GRPO stage samples; ``tracking`` passes them on.
Invariant: being told takes no time and raises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from psyche_rl.records import ScoredSample


class RunFollower(Protocol):
    """Told by the training loops of ``stage`` ("sft", "grpo")."""

    def row(self, stage: str, row: Mapping[str, int | float]) -> None:
        """The metrics of one step, under ``step`` and the field's names."""

    def rewound(self, stage: str, step: int) -> None:
        """The stage goes on after ``step``; what was told of later steps holds no longer."""

    def samples(self, stage: str, step: int, rows: Sequence[ScoredSample]) -> None:
        """All samples of a step."""


class NobodyFollows:
    """The follower of a run that nobody follows."""

    def row(self, stage: str, row: Mapping[str, int | float]) -> None:
        """Nothing."""

    def rewound(self, stage: str, step: int) -> None:
        """Nothing."""

    def samples(self, stage: str, step: int, rows: Sequence[ScoredSample]) -> None:
        """Nothing."""


NOBODY = NobodyFollows()
