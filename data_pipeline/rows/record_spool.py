"""Records that pile up while a stage runs, on the disk but for the newest few, and can be gone through at any
moment.

Invariants:
- The order in which they came.
- The file has no name: whatever ends the process, nothing of it stays. It lies where ``TMPDIR`` says.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Generic, TypeVar

import pyarrow as pa

from psyche_rl.records import Record

R = TypeVar("R", bound=Record)
HELD = 512  # records in memory at the most


class RecordSpool(Generic[R]):
    """Append, and iterate as often as wanted."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._held: list[R] = []
        self._spilled = 0
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def __len__(self) -> int:
        return self._spilled + len(self._held)

    def append(self, record: R) -> None:
        """Add one."""
        self._held.append(record)
        if len(self._held) >= HELD:
            self._spill()

    def __iter__(self) -> Iterator[R]:
        held = list(self._held)
        if self._file is not None:
            self._file.flush()
            for batch in pa.ipc.open_stream(pa.PythonFile(_FromTheStart(self._file), "r")):
                yield from self._kind.from_table(pa.Table.from_batches([batch]))
        yield from held

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="psyche-rl-")  # noqa: SIM115 - open as long as this lives
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            sink = pa.PythonFile(self._file, "w")
            self._writer = pa.ipc.new_stream(sink, self._kind.arrow_schema(), options=options)
        table = self._kind.to_table(self._held)
        self._writer.write_table(table.combine_chunks())
        self._spilled += len(self._held)
        self._held = []


class _FromTheStart:
    """A file from its beginning, for one reader, whatever others do with it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor, self._at = file.fileno(), 0

    def read(self, size: int = -1) -> bytes:
        size = size if size >= 0 else os.fstat(self._descriptor).st_size - self._at
        found = os.pread(self._descriptor, size, self._at)
        self._at += len(found)
        return found

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """The file stays open for its owner."""
