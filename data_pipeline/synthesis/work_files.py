"""What lies between the steps of synthesis: files in ``synth/work``, gone when the stage is done.

Invariant: a stage that is run again writes each of them anew before it reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

from psyche_rl.records import Record
from psyche_rl.store import RunStore
from psyche_rl.store.record_file import RecordFile, written
from psyche_rl.store.stored_records import StoredRecords

R = TypeVar("R", bound=Record)
FOLDER = "synth/work"


class WorkFiles:
    """Files by the name of the step that leaves them."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def writing(self, name: str, kind: type[R]) -> RecordFile[R]:
        """A new file, to be used as a context."""
        return RecordFile(self._store, f"{FOLDER}/{name}.parquet", kind)

    def written(self, name: str, kind: type[R], records: Iterable[R]) -> StoredRecords[R]:
        """A new file of these records."""
        return written(self._store, f"{FOLDER}/{name}.parquet", kind, records)

    def whole_file(self, name: str, records: Collection[R]) -> StoredRecords[R] | None:
        """A file that holds these records and no others; None where there are none."""
        if isinstance(records, StoredRecords) and records.rows is None and not records.instead:
            return records
        first = next(iter(records), None)
        return None if first is None else self.written(name, type(first), records)

    def remove(self) -> None:
        """Nothing of them is an output."""
        self._store.remove(FOLDER)
