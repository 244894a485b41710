"""A folder that counts once it is marked: the mark is written last, and names each file with size and digest.

Role: says whether a checkpoint is whole, and which file is damaged if it is not.
Collaborators: ``learner.checkpoint_files`` marks what the ranks have written; ``loops.checkpoints`` counts
marked folders; the files are compared as a stage's outputs are (``store.outputs``).
Invariants:
- On a disk the mark is written only after every file and folder above it is there to stay.
- A mark is whole or absent; one that cannot be read was damaged later.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from psyche_rl.errors import DamagedFolderError
from psyche_rl.store.atomic import sync_folder, written_file
from psyche_rl.store.outputs import Output, damaged
from psyche_rl.store.run_store import RunStore

MARK = "done"
_FOLDERS_ABOVE = 3
"""Of a checkpoint: ``checkpoints``, the stage's folder and the run folder."""


class Mark(BaseModel):
    """What a folder holds."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, Output]
    """By path within the folder."""
    notes: dict[str, float] = {}
    """Figures about the content, such as the accuracy of a checkpoint's policy."""


def mark_folder(url: str, files: Mapping[str, Output], notes: Mapping[str, float]) -> None:
    """Mark a local folder or one behind a URL. What ``files`` names must be on the disk already; the names
    in the folder need not be."""
    store = RunStore(url)
    if store.is_local:
        folder = Path(store.path(""))
        for place in (folder, *folder.parents[:_FOLDERS_ABOVE]):
            sync_folder(place)
    content = Mark(files=dict(files), notes=dict(notes)).model_dump_json(indent=1)
    with written_file(store.fs, store.path(MARK), durable=True) as file:
        file.write(content.encode())


def read_mark(url: str) -> Mark:
    """The mark of a folder.

    Raises:
        DamagedFolderError: there is none, or it cannot be read.
    """
    store = RunStore(url)
    store.fs.invalidate_cache()
    if not store.exists(MARK):
        raise DamagedFolderError(f"{url} has no mark '{MARK}': it was never written to its end")
    try:
        return Mark.model_validate_json(store.read_bytes(MARK))
    except ValidationError:
        raise DamagedFolderError(f"{url} is damaged: its mark '{MARK}' does not list its files") from None


def check_folder(url: str, mark: Mark, verify: bool = False, share: tuple[int, int] = (0, 1)) -> None:
    """Compare the files with their mark: sizes, and with ``verify`` every byte.

    Args:
        share: (i, n) looks at each n-th file from the i-th on, for n processes that share the work.

    Raises:
        DamagedFolderError: names the first file that is gone, has another size or holds other bytes.
    """
    store, (first, every) = RunStore(url), share
    for name in sorted(mark.files)[first::every]:
        try:
            found = damaged(store, {name: mark.files[name]}, verify)
        except OSError as error:
            if error.errno != errno.EIO:  # such as no permission: that is no damage
                raise
            raise DamagedFolderError(f"{url} is damaged: {name} cannot be read ({error})") from None
        if found:
            raise DamagedFolderError(f"{url} is damaged: {found[0]}")
