"""Checkpoints of a training run: the newest few are kept, and the best; the newest whole one is loaded.

Role: decides what is kept and what is loaded. The learner writes in the background, and marks what is whole.
Collaborators: the loops; a learner handle (``SavesState``); ``store.marked_folder``.
Invariants:
- A checkpoint counts once its mark ``done`` is written, which comes last. What a kill leaves without one is
  removed after the next save.
- Nothing that counts is removed before what takes its place counts.
- The driver alone decides which checkpoint is loaded, so all ranks load the same.
- A damaged one is named, and the one before is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from psyche_rl.config.training_evaluation import DEV_METRIC
from psyche_rl.errors import DamagedFolderError, RemoteWaitError
from psyche_rl.store import RunStore
from psyche_rl.store.marked_folder import MARK, check_folder, read_mark

BEST = "best.json"


class SavesState(Protocol):
    """The learner, as far as checkpoints go."""

    def save(self, path: str, notes: Mapping[str, float]) -> None:
        """Begin to write the state as it is now into the absent folder ``path``, and return."""
        ...

    def saved(self) -> None:
        """Wait until what :meth:`save` began is on the disk and marked; raises what went wrong."""
        ...

    def load(self, path: str) -> int:
        """Restore the state, and raise DamagedFolderError, changing nothing, if it is not whole."""
        ...


class _UnderWay(NamedTuple):
    step: int
    learner: SavesState
    value: float | None


def newest_checkpoint(store: RunStore, stage: str) -> int | None:
    """The step that a stage goes on from; None if it keeps no checkpoints or has none yet."""
    return Checkpoints(store, stage, keep=1).newest() or None


class Checkpoints:
    """Folder ``<stage>/checkpoints/step_000010`` for each saved step.

    Args:
        keep: how many of the newest stay.
        keep_best: the one with the best value stays as well; ``checkpoints/best.json`` names it.
        say: told of damage, in a line.
        metric: what the best one is the best by; those that were saved by another have no value.
    """

    def __init__(
        self,
        store: RunStore,
        stage: str,
        keep: int,
        keep_best: bool = False,
        say: Callable[..., Any] = lambda _, **__: None,
        metric: str = DEV_METRIC,
    ) -> None:
        self._store, self._stage, self._folder = store, stage, f"{stage}/checkpoints"
        self._keep, self._keep_best, self._say, self._metric = keep, keep_best, say, metric
        self._under_way: _UnderWay | None = None
        self._counted: set[int] | None = None

    def path(self, step: int) -> str:
        """Path or URL of a step's checkpoint, for the learner ranks to write to."""
        return f"{self._store.url}/{self._rel(step)}"

    def newest(self) -> int:
        """The newest step that counts, 0 if there is none."""
        return max(self._steps(), default=0)

    def best(self) -> tuple[int, float] | None:
        """Step and value of the best checkpoint; of equal ones the earliest."""
        rated = [(value, -step) for step in self._steps() if (value := self._value(step)) is not None]
        return (-max(rated)[1], max(rated)[0]) if rated else None

    def would_be_best(self, value: float | None) -> bool:
        """Whether a checkpoint of this value is to be kept for it."""
        if not self._keep_best or value is None:
            return False
        best, coming = self.best(), self._under_way.value if self._under_way else None
        return all(other is None or value > other for other in (best and best[1], coming))

    def save(self, step: int, learner: SavesState, value: float | None = None) -> None:
        """Begin to write step ``step``, once the one before is done.

        Raises:
            RunFolderError: the one before could not be written.
        """
        self.wait()
        self._remove(step)
        learner.save(self.path(step), {} if value is None else {self._metric: value})
        self._under_way = _UnderWay(step, learner, value)

    def save_now(self, step: int, learner: SavesState) -> None:
        """Return once step ``step`` counts; where it does already, nothing is written.

        Raises:
            RunFolderError: it could not be written, or the one before.
        """
        self.wait()
        if step > self.newest():
            self.save(step, learner)
            self.wait()

    def wait(self) -> None:
        """Return once the checkpoint under way counts; then remove those that are not kept.

        Raises:
            RunFolderError: it could not be written.
        """
        if self._under_way is None:
            return
        done, self._under_way = self._under_way, None
        done.learner.saved()
        if self._counted is not None:
            self._counted.add(done.step)
        self._remove_old()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """At the end of the block the checkpoint under way counts, also where an error ends it. Not waited
        for where ranks did not answer, or the process is to end at once."""
        try:
            yield
        except RemoteWaitError:
            raise
        except Exception:
            try:
                self.wait()
            except Exception as second:  # the first is what the user is to see
                self._say(f"{self._stage}: {second}")
            raise
        self.wait()
        self._remove_old()  # a kill may have cut the last removal short, with nothing left to save

    def restore(self, learner: SavesState) -> int:
        """Load the newest whole checkpoint; returns its step (0: there is none, and nothing is loaded).

        From then on only this one, those before it and those saved since count: a rank that outlived its
        killed driver may still finish what it was writing.
        """
        self._under_way = self._counted = None
        found = self._steps()
        self._counted = set()
        for step in reversed(found):
            path = self.path(step)
            try:
                check_folder(path, read_mark(path))  # the sizes; the ranks read the bytes
                learner.load(path)
            except DamagedFolderError as damage:
                self._say(f"{self._stage}: {damage}; the checkpoint before it is tried")
                continue
            self._counted = {each for each in found if each <= step}
            self._name_best()
            return step
        if found:
            self._say(f"{self._stage}: no checkpoint is whole, so the stage starts at step 0")
        return 0

    def load_best(self, learner: SavesState) -> int | None:
        """Load the best checkpoint where it is kept; returns its step, None where nothing is loaded.

        Raises:
            DamagedFolderError: it is not whole.
        """
        best = self.best() if self._keep_best else None
        if best is None:
            return None
        learner.load(self.path(best[0]))
        return best[0]

    # -- inside --------------------------------------------------------------------------------
    def _remove_old(self) -> None:
        kept = {*self._steps()[-self._keep :], *self._name_best()}
        for folder in self._store.glob(f"{self._folder}/step_*"):
            if (step := _step(folder)) not in kept:
                self._remove(step)

    def _name_best(self) -> list[int]:
        best = self.best() if self._keep_best else None
        if best is None:
            self._store.remove(f"{self._folder}/{BEST}")
            return []
        self._store.write_json(f"{self._folder}/{BEST}", {"step": best[0], self._metric: best[1]})
        return [best[0]]

    def _remove(self, step: int) -> None:
        self._store.remove(f"{self._rel(step)}/{MARK}")  # first: half a folder must not count
        self._store.remove(self._rel(step))

    def _value(self, step: int) -> float | None:
        try:
            return read_mark(self.path(step)).notes.get(self._metric)
        except DamagedFolderError:  # said when it is needed: another counts as the best
            return None

    def _rel(self, step: int) -> str:
        return f"{self._folder}/step_{step:06d}"

    def _steps(self) -> list[int]:
        self._store.fs.invalidate_cache()  # marks are written by other processes
        marks = self._store.glob(f"{self._folder}/step_*/{MARK}")
        steps = sorted(_step(mark.rpartition("/")[0]) for mark in marks)
        return [step for step in steps if self._counted is None or step in self._counted]


def _step(folder: str) -> int:
    return int(folder.rpartition("step_")[2])
