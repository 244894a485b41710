"""TensorBoard: event files in the run folder, ``<stage>/tensorboard`` and ``tracking/tensorboard``.

Collaborators: TensorBoard's own event writer, which needs neither torch nor TensorFlow.
Invariants:
- A stage that goes on tells TensorBoard to purge what came after its checkpoint (a START session log), so
  that no step is shown twice.
- Events are on the disk when a call returns; those of a remote run folder stay in scratch until ``close``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psyche_rl.store import RunStore
from psyche_rl.tracking.delivery_note import FOLDER
from psyche_rl.tracking.tracker import Opening, Row, RunEnd, Shown

WHOLE_RUN = FOLDER
"""Where the figures of the run as a whole are written."""


class TensorboardEvents:
    """The event files of one run."""

    forgets = True

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._scratch = Path()
        self._writers: dict[str, Any] = {}
        self._first = True

    def open(self, opening: Opening) -> str:
        """The config as text. Where no note says what the files hold, they are told to be forgotten."""
        self._scratch, self._first = opening.folder, opening.run_id is None
        self._text(WHOLE_RUN, "config", f"```yaml\n{opening.config_text}\n```", 0)
        return "tensorboard"

    def where(self) -> str:
        """The command that shows them."""
        return f"tensorboard --logdir {self._store.url}"

    def newest_steps(self) -> Mapping[str, int] | None:
        """The files could say it, but only when read whole."""
        return None

    def rows(self, stage: str, rows: Sequence[Row]) -> None:
        """A scalar for each figure but the step."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        for row in rows:
            values = [
                Summary.Value(tag=name, simple_value=value) for name, value in row.items() if name != "step"
            ]
            self._add(stage, int(row["step"]), Summary(value=values))
        self._writer(stage).flush()

    def rewind(self, stage: str, step: int) -> None:
        """What came after ``step`` is purged."""
        self._start(stage, step + 1)

    def figures(self, figures: Mapping[str, float]) -> None:
        """A scalar each, at step 0."""
        self.rows(WHOLE_RUN, [{"step": 0, **figures}])

    def table(self, name: str, table: Shown, step: int | None = None) -> None:
        """A text, which TensorBoard reads as markdown; a table of a step stands with its stage."""
        stage, _, what = name.partition("/")
        where = (stage, what) if step is not None else (WHOLE_RUN, name)
        self._text(*where, table.as_markdown(), step or 0)

    def page(self, name: str, html: str) -> None:
        """TensorBoard shows no page: its path as text."""
        self._text(WHOLE_RUN, name, f"`{self._store.path(name)}`", 0)

    def close(self, end: RunEnd) -> None:
        """Flush; bring the events of a remote run folder there."""
        for folder, writer in self._writers.items():
            writer.close()
            if not self._store.is_local:
                for file in sorted((self._scratch / folder).iterdir()):
                    self._store.write_bytes(f"{folder}/tensorboard/{file.name}", file.read_bytes())
        self._writers.clear()

    def _text(self, folder: str, name: str, markdown: str, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        plugin = SummaryMetadata.PluginData(plugin_name="text")
        held = TensorProto(
            dtype="DT_STRING",
            string_val=[markdown.encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        value = Summary.Value(tag=name, metadata=SummaryMetadata(plugin_data=plugin), tensor=held)
        self._add(folder, step, Summary(value=[value]))
        self._writer(folder).flush()

    def _add(self, folder: str, step: int, summary: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer(folder).add_event(Event(wall_time=time.time(), step=step, summary=summary))

    def _start(self, folder: str, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        writer = self._writer(folder)
        start = SessionLog(status=SessionLog.START)
        writer.add_event(Event(wall_time=time.time(), step=step, session_log=start))
        writer.flush()

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            earlier = self._store.glob(f"{folder}/tensorboard/events.*")
            local = self._store.is_local
            place = self._store.local_path(f"{folder}/tensorboard") if local else self._scratch / folder
            self._writers[folder] = EventFileWriter(str(place), flush_secs=10)
            if earlier and self._first:
                self._start(folder, 0)
        return self._writers[folder]
