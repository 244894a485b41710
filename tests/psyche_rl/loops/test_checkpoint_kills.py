"""A run that is killed anywhere between two changes to its checkpoints goes on from a whole one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checkpoint_folders import STATE, Saver
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.loops.checkpoints import BEST, Checkpoints
from psyche_rl.store import RunStore
from psyche_rl.store.hashed_file import Written
from psyche_rl.store.marked_folder import mark_folder
from psyche_rl.store.outputs import Output

STEPS = 6


class Killed(BaseException):
    """Stands in for SIGKILL: nothing of ours catches it."""


@dataclass
class Life:
    """Ends before the ``left``-th change to the disk."""

    left: int

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class MortalStore(RunStore):
    """Removes file by file, as a disk does, and may be killed before each change."""

    life = Life(1000)

    def remove(self, rel: str) -> None:
        for place in sorted(Path(self.path(rel)).rglob("*"), reverse=True):
            self.life.tick()
            place.unlink()
        self.life.tick()
        super().remove(rel)

    def write_json(self, rel: str, value) -> None:
        self.life.tick()
        super().write_json(rel, value)


class MortalSaver(Saver):
    """Writes half a file, the file, the mark."""

    def __init__(self, life: Life, slow: bool) -> None:
        super().__init__(slow)
        self.life = life

    def write(self, path: str, state, notes) -> None:
        content = json.dumps({"step": state}).encode()
        written = Written()
        written.add(content)
        self.life.tick()
        Path(path).mkdir(parents=True)
        for part in (content[:3], content):
            self.life.tick()
            Path(path, STATE).write_bytes(part)
        self.life.tick()
        mark_folder(path, {STATE: Output(size=written.size, sha256=written.sha256)}, notes)
        self.life.tick()


@dataclass
class Process:
    """A run over one folder; ``done`` is the last step that it knows to count."""

    folder: str
    values: list[float]
    keep: int
    keep_best: bool
    slow: bool
    life: Life
    done: int = 0

    def __post_init__(self) -> None:
        self.said: list[str] = []
        store = MortalStore(self.folder)
        store.life = self.life
        self.checkpoints = Checkpoints(store, "grpo", self.keep, self.keep_best, self.said.append)
        self.saver = MortalSaver(self.life, self.slow)

    def run(self) -> int:
        """To the end; returns the step it went on from."""
        start = self.checkpoints.restore(self.saver)
        assert self.said == []  # a kill damages nothing
        assert start == (self.saver.state["step"] if start else 0)
        with self.checkpoints.finishing():
            for step in range(start + 1, STEPS + 1):
                self.saver.state = step
                self.checkpoints.save(step, self.saver, self.values[step - 1])
                self.done = step - 1
        self.done = STEPS
        return start

    def names(self) -> list[str]:
        return sorted(p.name for p in Path(self.folder, "grpo/checkpoints").iterdir())


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=STEPS, max_size=STEPS),
    keep=st.integers(1, 3),
    keep_best=st.booleans(),
    slow=st.booleans(),
    kills=st.lists(st.integers(0, 80), max_size=3),
)
def test_what_is_whole_is_never_lost_and_the_end_is_the_same(values, keep, keep_best, slow, kills):
    with TemporaryDirectory() as folder:
        done = 0
        for left in kills:
            process = Process(folder, values, keep, keep_best, slow, Life(left))
            try:
                start = process.run()
            except Killed:
                start = None
            assert start is None or start >= done
            done = max(done, process.done)
        last = Process(folder, values, keep, keep_best, slow, Life(1000))
        assert last.run() >= done
        kept = set(range(STEPS - keep + 1, STEPS + 1))
        best = values.index(max(values)) + 1
        if keep_best:
            assert last.checkpoints.best() == (best, max(values))
            assert json.loads(Path(folder, "grpo/checkpoints", BEST).read_text())["step"] == best
            kept |= {best}
        assert last.names() == [BEST] * keep_best + [f"step_{step:06d}" for step in sorted(kept)]
