"""Records of a file by a field that names them, at sixteen bytes a record.

Invariants:
- Where records share a key, the last one counts; :meth:`RecordsByKey.all_of` gives all.
- A few row groups are held: what is asked for in about the order of the file is read once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from typing import Generic, TypeVar

import numpy as np

from psyche_rl.records import Record
from psyche_rl.store.digests import digest64, digests64
from psyche_rl.store.intact import intact
from psyche_rl.store.stored_records import StoredRecords

R = TypeVar("R", bound=Record)
GROUPS_HELD = 4


class RecordsByKey(Mapping[str, R], Generic[R]):
    """Key -> record."""

    def __init__(self, records: StoredRecords[R], key: str) -> None:
        self._records, self._key = records, key
        digests = digests64(value or "" for value in records.column(key))
        order = np.argsort(digests, kind="stable")
        self._digests = digests[order]
        rows = np.arange(len(digests), dtype=np.int32) if records.rows is None else records.rows
        self._rows = rows[order]
        self._begins = _begins(records)
        self._held: OrderedDict[int, list[R]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[str]:
        yield from self._records.column(self._key)

    def __getitem__(self, key: str) -> R:
        found = self.all_of(key)
        if not found:
            raise KeyError(key)
        return found[-1]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self.all_of(key))

    def all_of(self, key: str) -> list[R]:
        """All records of a key, in the order of the file."""
        digest = np.uint64(digest64(key))
        first, last = (int(np.searchsorted(self._digests, digest, side)) for side in ("left", "right"))
        found = [self._at(int(row)) for row in self._rows[first:last]]
        return [record for record in found if getattr(record, self._key) == key]

    def _at(self, row: int) -> R:
        if row in self._records.instead:
            return self._records.instead[row]
        group = int(np.searchsorted(self._begins, row, side="right")) - 1
        if group in self._held:
            self._held.move_to_end(group)
        else:
            with intact(self._records.store.path(self._records.rel), self._records.rel):
                self._held[group] = self._records.kind.from_table(self._records.group(group))
            if len(self._held) > GROUPS_HELD:
                self._held.popitem(last=False)
        return self._held[group][row - int(self._begins[group])]


def by_key(records: Collection[R], key: str = "id") -> Mapping[str, R]:
    """Key -> record, the last one of those that share a key."""
    if isinstance(records, StoredRecords):
        return RecordsByKey(records, key)
    return {getattr(record, key): record for record in records}


def _begins(records: StoredRecords[R]) -> np.ndarray:
    """Where each row group begins."""
    with records.opened() as file:
        counts = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64) if counts else np.zeros(0, np.int64)
