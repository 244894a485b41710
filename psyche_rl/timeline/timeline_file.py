"""The timeline in the run folder: ``<stage>/timeline.jsonl``, a line for each step.

Collaborators: the GRPO loops keep what their components noted since the step before; the report reads.
Invariant: lines are only added. Steps that were rolled back stay: their time was spent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from psyche_rl.store import RunStore
from psyche_rl.store.intact import intact
from psyche_rl.timeline.lane import LaneSpan, Stretch


@dataclass(frozen=True)
class TimelineFile:
    """About 35 bytes a stretch; a step has a few of each worker."""

    store: RunStore
    stage: str

    def keep(self, step: int, spans: Sequence[LaneSpan]) -> None:
        """Add what came since the step before, to the millisecond; what is shorter is left out."""
        lanes: dict[str, list[tuple[str, float, float]]] = {}
        for lane, (state, begun, ended) in spans:
            if (first := round(begun, 3)) < (last := round(ended, 3)):
                lanes.setdefault(lane, []).append((state, first, last))
        self.store.append_text(self._rel, json.dumps({"step": step, "lanes": lanes}) + "\n")

    def read(self) -> list[LaneSpan]:
        """All there is, in the order in which it was kept."""
        lines = self.store.read_json_lines(self._rel)
        with intact(self.store.path(self._rel), self._rel):
            return [
                LaneSpan(lane, Stretch(*stretch))
                for line in lines
                for lane, stretches in line["lanes"].items()
                for stretch in stretches
            ]

    @property
    def _rel(self) -> str:
        return f"{self.stage}/timeline.jsonl"
