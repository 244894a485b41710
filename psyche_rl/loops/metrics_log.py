"""The training curves of a stage: ``metrics.jsonl``.

Collaborators: the SFT and GRPO loops write through it; the report reads with :func:`read_metrics`; ``alarms``
judge each row by those before it; a ``RunFollower`` is told of each, and shows it in trackers.
Invariants:
- One row a step, steps ascending.
- A row in which an alarm begins says so (``alarm/<name>`` is 1).
- A resumed stage first drops the rows after its checkpoint, so that the file reads as if it had never been
  cut off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from psyche_rl.alarms.raised import METRIC, Alarm, newly_raised
from psyche_rl.run_follower import NOBODY, RunFollower
from psyche_rl.store import RunStore
from psyche_rl.store.intact import intact

CURVES = ("sft", "grpo")
"""The stages that log metrics, step by step."""

Number = int | float
Row = Mapping[str, Number]


def read_metrics(store: RunStore, rel_folder: str) -> list[dict[str, Any]]:
    """The rows of ``rel_folder/metrics.jsonl``; none if it is absent.

    Raises:
        RunFolderError: a row is damaged.
    """
    rel = f"{rel_folder}/metrics.jsonl"
    rows = store.read_json_lines(rel)
    for number, row in enumerate(rows, 1):
        with intact(store.path(f"{rel}:{number}"), rel):
            if not isinstance(row.get("step"), Number):
                raise ValueError(f"a row has a number as its step, found {row.get('step')!r:.40}")
    return rows


class MetricsLog:
    """Appends rows with a ``step`` to a stage's curves."""

    def __init__(
        self,
        store: RunStore,
        rel_folder: str,
        on_alarm: Callable[[Alarm], None] = lambda _: None,
        follower: RunFollower = NOBODY,
    ) -> None:
        """``on_alarm`` is told of each alarm when it begins."""
        self._on_alarm, self._follower = on_alarm, follower
        self._store, self._stage, self._rel = store, rel_folder, f"{rel_folder}/metrics.jsonl"
        self._rows = read_metrics(store, rel_folder)
        self._rewrite()

    def append(self, row: Row) -> None:
        """Log one step: ``step`` and any number of scalars under the field's names."""
        begun = newly_raised([*self._rows, row])
        for alarm in begun:
            self._on_alarm(alarm)
        row = {**row, **{METRIC + alarm.name: 1.0 for alarm in begun}}
        self._rows.append(row)
        self._store.append_text(self._rel, json.dumps(row) + "\n")
        self._follower.row(self._stage, row)

    def truncate_after(self, step: int) -> None:
        """Forget the rows after ``step``."""
        self._rows = [row for row in self._rows if row["step"] <= step]
        self._rewrite()
        self._follower.rewound(self._stage, step)

    def rows(self) -> list[dict[str, Any]]:
        """What is logged so far, oldest first."""
        return list(self._rows)

    def _rewrite(self) -> None:
        self._store.write_jsonl(self._rel, self._rows)
