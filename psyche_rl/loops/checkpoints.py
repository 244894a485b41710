"""Checkpoints of a training run: found whole or not at all, the newest few kept.

A checkpoint counts once its ``done`` mark is written, which comes last; a kill in between leaves a
folder without the mark, which the next save removes.
"""

from __future__ import annotations

from collections.abc import Callable

from psyche_rl.store import RunStore


def newest_checkpoint(store: RunStore, stage: str) -> int | None:
    """The step that a stage goes on from; None if it keeps no checkpoints or has none yet."""
    return Checkpoints(store, stage, keep=1).newest() or None


class Checkpoints:
    """Folder ``<stage>/checkpoints/step_000010`` for each saved step."""

    def __init__(self, store: RunStore, stage: str, keep: int) -> None:
        self._store, self._folder, self._keep = store, f"{stage}/checkpoints", keep

    def path(self, step: int) -> str:
        """Path or URL of a step's checkpoint, for the learner ranks to write to."""
        return f"{self._store.url}/{self._rel(step)}"

    def newest(self) -> int:
        """The newest whole checkpoint's step, 0 if there is none."""
        return max(self._whole(), default=0)

    def save(self, step: int, write: Callable[[str], None]) -> None:
        """Write step ``step`` through ``write(path)``, then remove all but the newest ``keep`` whole ones."""
        self._store.remove(self._rel(step))
        write(self.path(step))
        self._store.write_text(f"{self._rel(step)}/done", "")
        kept = {self._rel(newest) for newest in self._whole()[-self._keep :]}
        for folder in self._store.glob(f"{self._folder}/step_*"):
            if folder not in kept:
                self._store.remove(folder)

    def _rel(self, step: int) -> str:
        return f"{self._folder}/step_{step:06d}"

    def _whole(self) -> list[int]:
        marks = self._store.glob(f"{self._folder}/step_*/done")
        return sorted(int(mark.split("/")[-2].removeprefix("step_")) for mark in marks)
