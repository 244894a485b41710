"""Checkpoints as the learner's ranks write them, without ranks: a file of JSON and the mark."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import fsspec

from psyche_rl.store.atomic import written_file
from psyche_rl.store.hashed_file import HashedFile
from psyche_rl.store.marked_folder import check_folder, mark_folder, read_mark
from psyche_rl.store.outputs import Output

STATE = "state.json"


def write_checkpoint(path: str, state: Any, notes: Mapping[str, float]) -> None:
    """Into a folder that must be new."""
    Path(path).mkdir(parents=True)
    with written_file(fsspec.filesystem("file"), f"{path}/{STATE}") as file:
        content = HashedFile(file)
        content.write(json.dumps(state).encode())
    written = content.written
    mark_folder(path, {STATE: Output(size=written.size, sha256=written.sha256)}, notes)


def read_checkpoint(path: str) -> Any:
    """The state, every byte of it checked."""
    check_folder(path, read_mark(path), verify=True)
    return json.loads(Path(path, STATE).read_text())


class FakeSaves:
    """The part of a learner that saves and loads ``state``, which is anything that JSON holds."""

    state: Any = None
    slow = False
    """Whether what is saved is written only when it is waited for."""
    write: Callable[[str, Any, Mapping[str, float]], None] = staticmethod(write_checkpoint)
    _writing: Callable[[], None] | None = None

    def save(self, path: str, notes: Mapping[str, float]) -> None:
        assert self._writing is None
        self._writing = partial(self.write, path, json.loads(json.dumps(self.state)), dict(notes))
        if not self.slow:
            self._writing()

    def saved(self) -> None:
        assert self._writing is not None
        writing, self._writing = self._writing, None
        if self.slow:
            writing()

    def load(self, path: str) -> int:
        self.state = read_checkpoint(path)
        return 0


class Saver(FakeSaves):
    """Its state is the step that it is at."""

    def __init__(self, slow: bool = False) -> None:
        self.slow = slow

    def at(self, step: int) -> Saver:
        self.state = step
        return self
