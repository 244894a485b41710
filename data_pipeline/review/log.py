"""The decision log: ``review/decisions.jsonl`` of a run folder, one decision a line, only ever added to.

Collaborators: the review page writes it, stages read it.
Invariants:
- Once :meth:`DecisionLog.append` returns, the decision is on the disk (fsync of file and folder).
- Writers in several processes take turns by a file lock and each line is one write, so lines never mix.
- What a killed writer left half done is closed off by the next one and told apart by every reader, never
  taken for a decision and never in the way of one.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from psyche_rl.errors import RunFolderError
from psyche_rl.records import Quarantined, ReviewDecision
from psyche_rl.store import RunStore
from psyche_rl.store.atomic import sync_folder

DECISIONS = "review/decisions.jsonl"


def parse_decisions(data: bytes) -> tuple[list[ReviewDecision], list[Quarantined]]:
    """The decisions of a log in order, and the lines that are none (torn or tampered with)."""
    decisions, bad = list[ReviewDecision](), list[Quarantined]()
    for row, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            decisions.append(ReviewDecision.model_validate_json(line))
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            text = line.decode("utf-8", "replace")[:2000]
            bad.append(Quarantined(stage="review", source=DECISIONS, row=row, reason=why[:300], content=text))
    return decisions, bad


def read_decisions(store: RunStore) -> tuple[list[ReviewDecision], list[Quarantined]]:
    """What :func:`parse_decisions` finds in the log of a run folder; no log, no decisions."""
    return parse_decisions(store.read_bytes(DECISIONS)) if store.exists(DECISIONS) else ([], [])


class DecisionLog:
    """Reads and appends the log of one run folder on a local or shared disk."""

    def __init__(self, store: RunStore) -> None:
        """Make the folder.

        Raises:
            RunFolderError: the run folder is a remote URL, or cannot be written.
        """
        self.path: Path = store.local_path(DECISIONS)
        try:
            self.path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self.path.parent} cannot be written: {error.strerror}") from None
        self._known: list[ReviewDecision] = []
        self._offset = 0
        self._reading = threading.Lock()

    def read(self) -> list[ReviewDecision]:
        """All decisions so far, those of other processes too; only what is new is read from the disk."""
        with self._reading:
            if self.path.exists():
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    whole = file.read().rpartition(b"\n")[0]  # what follows may still be being written
                if whole:
                    self._known += parse_decisions(whole)[0]
                    self._offset += len(whole) + 1
            return list(self._known)

    def append(self, decision: ReviewDecision) -> None:
        """Add a decision; it is on the disk when this returns.

        Raises:
            RunFolderError: it could not be written (disk full, no permission).
        """
        line = decision.model_dump_json(exclude_none=True).encode() + b"\n"
        try:
            with self._locked() as file:
                _write_down(file, b"\n" + line if _torn(file) else line)
        except OSError as error:
            raise RunFolderError(
                f"{self.path} cannot be written: {error.strerror}; nothing was decided"
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        fresh = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if fresh:
                for place in (self.path.parent, self.path.parent.parent):
                    sync_folder(place)
            yield file
        finally:
            os.close(file)  # and with it the lock


def _torn(file: int) -> bool:
    """Whether the last line lacks its end: its writer was killed."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _write_down(file: int, data: bytes) -> None:
    """All of ``data`` on the disk, or none of it in the file."""
    size = os.fstat(file).st_size
    try:
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise
