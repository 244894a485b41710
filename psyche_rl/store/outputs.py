"""What a finished stage has left in the run folder, and whether it is still there.

Pure but for reading. Collaborators: the table of stages names the outputs; ``launch.pipeline`` records them
in the manifest and refuses a damaged stage; ``psyche-rl status`` shows the damage.
- A file's digest is the one taken while it was written. A file that an earlier attempt or another process
  wrote is read once, when it is recorded.
- Model folders, which can be too large to read, are known by their size and number of files.
- The quick check asks for sizes only; reading every byte again is for ``status --verify``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from psyche_rl.store.run_store import RunStore

CARD = "README.md"
"""Of a model folder: rewritten when later stages have figures, so no part of what the model is known by."""
_CHUNK = 1 << 20
_WEIGHTS = ".safetensors"


class Output(BaseModel):
    """One file, or one folder with all it holds."""

    model_config = ConfigDict(extra="forbid")

    size: int
    """Bytes."""
    files: int = 1
    sha256: str | None = None
    """Of a file's bytes, or of the names and digests of a folder's files; None for models."""


class Damage(BaseModel):
    """An output that is not as it was recorded."""

    output: str
    why: str

    def __str__(self) -> str:
        return f"{self.output} {self.why}"


def record_outputs(store: RunStore, writes: Iterable[str]) -> dict[str, Output]:
    """The outputs among ``writes`` that are there."""
    found = {rel: _files(store, rel) for rel in writes}
    return {
        rel: Output(
            size=sum(files.values()), files=len(files), sha256=_digest(store, rel, files, fresh=False)
        )
        for rel, files in found.items()
        if files
    }


def damaged(store: RunStore, outputs: Mapping[str, Output], verify: bool = False) -> list[Damage]:
    """What is gone, shorter or longer than recorded; with ``verify`` also what holds other bytes."""
    store.fs.invalidate_cache()
    found = ((rel, _why(store, rel, output, verify)) for rel, output in outputs.items())
    return [Damage(output=rel, why=why) for rel, why in found if why]


def _why(store: RunStore, rel: str, output: Output, verify: bool) -> str:
    files = _files(store, rel)
    size = sum(files.values())
    if not files:
        return "is gone"
    if len(files) != output.files:
        return f"holds {len(files):,} files, recorded {output.files:,}"
    if size != output.size:
        return f"has {size:,} bytes, recorded {output.size:,}"
    if verify and output.sha256 is not None and _digest(store, rel, files, fresh=True) != output.sha256:
        return "holds other bytes than were written"
    return ""


def _files(store: RunStore, rel: str) -> dict[str, int]:
    found = store.files(rel).items()
    return {file: size for file, size in found if not file.endswith(".tmp") and file != f"{rel}/{CARD}"}


def _digest(store: RunStore, rel: str, files: Mapping[str, int], fresh: bool) -> str | None:
    """The digest of an output; ``fresh`` reads all bytes, otherwise what was noted while writing counts."""
    if any(file.endswith(_WEIGHTS) for file in files):
        return None
    digests = {file: _file_digest(store, file, size, fresh) for file, size in files.items()}
    if set(files) == {rel}:
        return digests[rel]
    listed = "".join(f"{file[len(rel) + 1 :]} {digests[file]}\n" for file in sorted(files))
    return hashlib.sha256(listed.encode()).hexdigest()


def _file_digest(store: RunStore, rel: str, size: int, fresh: bool) -> str:
    noted = store.written.get(rel)
    if not fresh and noted is not None and noted.size == size:
        return noted.sha256
    sha = hashlib.sha256()
    with store.fs.open(store.path(rel), "rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()
