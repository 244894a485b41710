"""How far each tracker has been told, kept in the run folder: ``tracking/<name>.json``.

Invariants:
- Resumed runs go on in the tracker's run of which the id stands here.
- A step is noted before it is given to the tracker: a kill in between costs that step there and doubles none.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from psyche_rl.errors import RunFolderError
from psyche_rl.store import RunStore
from psyche_rl.store.intact import intact

FOLDER = "tracking"


class DeliveryNote(BaseModel):
    """Of one tracker; counts are of the newest process that told it anything."""

    model_config = ConfigDict(extra="forbid")

    run_id: str | None = None
    where: str = ""
    steps: dict[str, int] = {}
    """Stage -> newest step that was given to the tracker."""
    rewinds: dict[str, int] = {}
    """Stage -> step after which the tracker is still to forget, before it is told anything."""
    delivered: int = 0
    not_delivered: int = 0
    again: int = 0
    """Steps that were done again after a checkpoint, of which the tracker keeps the first figures."""
    why: str | None = None
    """Of the newest failure."""

    def save(self, store: RunStore, name: str) -> None:
        """Write it."""
        store.write_json(f"{FOLDER}/{name}.json", self.model_dump())


def read_note(store: RunStore, name: str) -> DeliveryNote:
    """The note of a tracker; a new one where there is none or it is damaged."""
    rel = f"{FOLDER}/{name}.json"
    if not store.exists(rel):
        return DeliveryNote()
    try:
        with intact(store.path(rel), rel):
            return DeliveryNote.model_validate(store.read_json(rel))
    except RunFolderError:
        return DeliveryNote()


def read_notes(store: RunStore) -> dict[str, DeliveryNote]:
    """All notes of a run folder, by the tracker's name."""
    names = [rel.rpartition("/")[2].removesuffix(".json") for rel in store.glob(f"{FOLDER}/*.json")]
    return {name: read_note(store, name) for name in names}
