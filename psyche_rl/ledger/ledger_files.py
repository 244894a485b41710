"""The ledger in the run folder: ``<stage>/ledger/part_0001_000012.jsonl``, one for each incarnation and step.

Role: keeps entries and reads them back. Collaborators: ``ledger`` writes, ``psyche-rl ledger`` reads.
Invariants:
- A part is only appended to, and only by the incarnation that its name tells; what is behind a URL is written
  anew, a step's entries at most.
- A line that a kill has cut short is the last of its part. It was never an entry and is left out; the number
  of the entry that comes next tells if it was another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from psyche_rl.errors import LedgerError
from psyche_rl.ledger.entry import LedgerEntry
from psyche_rl.store import RunStore


class LedgerFiles:
    """The entries of one stage's ledger."""

    def __init__(self, store: RunStore, stage: str) -> None:
        self._store, self._folder = store, f"{stage}/ledger"

    @property
    def url(self) -> str:
        """The folder, as errors name it."""
        return self._store.path(self._folder)

    @property
    def appends(self) -> bool:
        """Whether an entry costs no more than itself: on a disk."""
        return self._store.is_local

    def append(self, entries: Sequence[LedgerEntry], step: int) -> None:
        """Keep entries of one incarnation, in the part of the step under way."""
        if entries:
            text = "".join(entry.model_dump_json(exclude_defaults=True) + "\n" for entry in entries)
            rel = f"{self._folder}/part_{entries[0].incarnation:04d}_{step:06d}.jsonl"
            self._store.append_text(rel, text)

    def parts(self) -> list[str]:
        """The parts there are, in the order in which they were written."""
        self._store.fs.invalidate_cache()  # the writer is another process
        return self._store.glob(f"{self._folder}/part_*.jsonl")

    def read(self) -> Iterator[LedgerEntry]:
        """All entries in the order in which they were written.

        Raises:
            LedgerError: a line is no entry; names part and line.
        """
        for rel in self.parts():
            for number, line in enumerate(self._store.read_lines(rel), 1):
                try:
                    yield LedgerEntry.model_validate_json(line)
                except ValidationError:
                    raise LedgerError(
                        f"{self._store.path(rel)}: line {number} is no entry of this version: {line[:60]!r}; "
                        "what the run did cannot be told from here"
                    ) from None
