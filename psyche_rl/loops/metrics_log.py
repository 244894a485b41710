"""The training curves of a stage: ``metrics.jsonl`` for programs, TensorBoard events for eyes.

Collaborators: the SFT and GRPO loops write through it; the report reads with :func:`read_metrics`; ``alarms``
judge each row by those before it.
Invariants:
- One row a step, steps ascending.
- A row in which an alarm begins says so (``alarm/<name>`` is 1).
- A resumed stage first drops the rows after its checkpoint, so that both files read as if it had never been
  cut off.
- The TensorBoard events of a remote run folder stay in scratch until ``close``.
- TensorBoard's own event writer is used, which needs neither torch nor TensorFlow.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from psyche_rl.alarms.raised import METRIC, Alarm, newly_raised
from psyche_rl.store import RunStore
from psyche_rl.store.intact import intact

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
        self, store: RunStore, rel_folder: str, on_alarm: Callable[[Alarm], None] = lambda _: None
    ) -> None:
        """``on_alarm`` is told of each alarm when it begins."""
        self._on_alarm = on_alarm
        self._store, self._rel = store, f"{rel_folder}/metrics.jsonl"
        self._tensorboard_rel = f"{rel_folder}/tensorboard"
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._writer: Any = None
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
        self._add_scalars(row)

    def truncate_after(self, step: int) -> None:
        """Forget the rows after ``step``; TensorBoard is told to purge them (a START session log)."""
        self._rows = [row for row in self._rows if row["step"] <= step]
        self._rewrite()
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        start = SessionLog(status=SessionLog.START)
        self._events().add_event(Event(wall_time=time.time(), step=step + 1, session_log=start))

    def rows(self) -> list[dict[str, Any]]:
        """What is logged so far, oldest first."""
        return list(self._rows)

    def close(self) -> None:
        """Flush; bring the TensorBoard events of a remote run folder there."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._scratch is not None:
            for file in sorted(Path(self._scratch.name).iterdir()):
                self._store.write_bytes(f"{self._tensorboard_rel}/{file.name}", file.read_bytes())
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rewrite(self) -> None:
        self._store.write_jsonl(self._rel, self._rows)

    def _add_scalars(self, row: Row) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=value) for name, value in row.items() if name != "step"
        ]
        event = Event(wall_time=time.time(), step=int(row["step"]), summary=Summary(value=values))
        self._events().add_event(event)

    def _events(self) -> Any:
        if self._writer is None:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            if self._store.is_local:
                folder = str(self._store.local_path(self._tensorboard_rel))
            else:
                self._scratch = tempfile.TemporaryDirectory(prefix="psyche-rl-tensorboard-")
                folder = self._scratch.name
            self._writer = EventFileWriter(folder, flush_secs=10)
        return self._writer
