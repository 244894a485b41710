"""Results that are to be made anew stand aside until the redo has begun to write.

Role: moves folders of a run to ``.aside``, and back or away.
Collaborators: ``launch.run_writer``.
- Nothing is lost by a redo that cannot start: :meth:`SetAside.restore` puts everything back.
- The manifest is written for the first time when the redo has begun. After a kill, :func:`recover` goes on
  from that: if the manifest is unchanged the old results return, otherwise they are removed.
- Each step can be cut and done again: what has been moved is written down before the next folder is touched.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from psyche_rl.store.manifest import MANIFEST
from psyche_rl.store.run_store import RunStore

ASIDE = ".aside"
_NOTE = "set_aside.json"


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    folders: list[str]
    manifest: str
    """Digest of the manifest that tells of these folders."""
    moved: list[str] = []
    """Folders that stand aside as a whole; whatever is in their place by now is the redo's."""


class SetAside:
    """Folders that stand aside."""

    def __init__(self, store: RunStore, place: str, note: _Note) -> None:
        self._store, self._place, self._note = store, place, note

    @classmethod
    def of(cls, store: RunStore, folders: Sequence[str]) -> SetAside:
        """Set ``folders`` aside; those that are absent count as empty."""
        place = f"{ASIDE}/{uuid.uuid4().hex[:8]}"
        aside = cls(store, place, _Note(folders=list(folders), manifest=_manifest_digest(store)))
        aside._write()
        for folder in folders:
            store.move(folder, f"{place}/{folder}")
            aside._note.moved.append(folder)
            aside._write()
        return aside

    def restore(self) -> None:
        """Put the folders back, in place of what the redo may have written."""
        for folder in self._note.moved:
            self._store.remove(folder)
        # From here on what is in place is the old: a cut while it moves back must not remove it.
        self._note.moved = []
        self._write()
        for folder in self._note.folders:
            self._store.move(f"{self._place}/{folder}", folder)
        self._clear()

    def discard(self) -> None:
        """Throw the folders away."""
        self._clear()

    def _write(self) -> None:
        self._store.write_text(f"{self._place}/{_NOTE}", self._note.model_dump_json())

    def _clear(self) -> None:
        for folder in self._note.folders:  # the note last: as long as it is there, the rest can be dealt with
            self._store.remove(f"{self._place}/{folder}")
        self._store.remove(self._place)
        if not self._store.files(ASIDE):
            self._store.remove(ASIDE)


def recover(store: RunStore) -> list[str]:
    """Deal with what a killed redo has left aside; returns the folders that were put back."""
    restored: list[str] = []
    for path in store.glob(f"{ASIDE}/*/{_NOTE}"):
        note = _Note.model_validate(store.read_json(path))
        aside = SetAside(store, path.rpartition("/")[0], note)
        if note.manifest == _manifest_digest(store):
            aside.restore()
            restored += note.folders
        else:
            aside.discard()
    return restored


def _manifest_digest(store: RunStore) -> str:
    return hashlib.sha256(store.read_bytes(MANIFEST)).hexdigest() if store.exists(MANIFEST) else ""
