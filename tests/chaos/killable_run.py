"""Runs a ``psyche-rl`` command so that it can be killed, teacher apart, and keeps what it left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from psyche_rl.store.outputs import CARD

REPOSITORY = Path(__file__).parents[2]
STAGE_S = 600.0
"""Longest wait for a stage to come to the point of its kill."""
DYING_S = 90.0
"""What Ray's processes may take to notice that their driver is gone."""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "launch", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", **more}


@contextmanager
def scripted_teacher(log: Path, latency_ms: int, *more: object) -> Iterator[str]:
    """A teacher that outlives the runs; yields its base URL."""
    arguments = ("teacher", "--port", 0, "--latency-ms", latency_ms, "--log", log, *more)
    with subprocess.Popen(
        command(*arguments), cwd=REPOSITORY, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class KillableRun:
    """One attempt at a run, in a process group of its own; ``more`` is environment; output goes
    to ``log``."""

    def __init__(self, log: Path, *arguments: object, verb: str = "run", **more: str) -> None:
        self._log = log
        with log.open("w") as out:
            self._process = subprocess.Popen(
                command(verb, *arguments),
                cwd=REPOSITORY,
                env=environment(**more),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_hear_hangups,  # noqa: PLW1509 # the tests start no threads
            )

    def finish(self, timeout_s: float) -> None:
        """Wait for a good end."""
        try:
            code = self._process.wait(timeout_s)
        except BaseException:
            self.kill()
            raise
        assert code == 0, self._log.read_text("utf-8")[-8000:]

    def kill_when(self, ready: Callable[[], bool]) -> list[str]:
        """SIGKILL as soon as ``ready``; returns the names of processes that outlived it for too long."""
        self.wait_until(ready)
        return self.kill()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until ``ready``, while the run goes on."""
        deadline = time.monotonic() + STAGE_S
        while not ready():
            late = time.monotonic() > deadline
            if late or self._process.poll() is not None:
                self.kill()
                raise AssertionError(("late: " if late else "ended: ") + self._log.read_text("utf-8")[-8000:])
            time.sleep(0.01)

    def end_with(self, number: signal.Signals, timeout_s: float) -> tuple[int, list[str]]:
        """Send a signal to the process alone; its exit code and what of its family outlived it."""
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(number)
        try:
            code = self._process.wait(timeout_s)
        finally:
            self.kill()
        return code, _survivors(family)

    def said(self) -> str:
        """Its output so far."""
        return self._log.read_text("utf-8")

    def kill(self) -> list[str]:
        """SIGKILL the process group, as the kernel does when memory runs out; see that all of it ends."""
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            family = psutil.Process(self._process.pid).children(recursive=True)
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return _survivors(family)
        return []


def _hear_hangups() -> None:
    """A process ignores what its parent ignored, and a parent started by nohup ignores SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _survivors(family: list[psutil.Process]) -> list[str]:
    deadline = time.monotonic() + DYING_S
    while (alive := [p for p in family if _lives(p)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    names = []
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            names.append(process.name())
            process.kill()
    return names


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@dataclass(frozen=True)
class Remains:
    """A run folder at one moment."""

    stages: dict[str, Any]
    written: dict[str, int]
    """File -> time of its last change, in ns."""
    answered: frozenset[str]
    """sha256 of the body of every LLM call whose reply is kept."""
    survivors: tuple[str, ...] = ()

    @property
    def done(self) -> set[str]:
        """Stages that had finished."""
        return {name for name, entry in self.stages.items() if entry["status"] == "done"}

    def files(self, folder: str) -> dict[str, int]:
        """Those of one folder, but for the card of its model, which later stages renew."""
        card = f"model/{CARD}"
        inside = {name: when for name, when in self.written.items() if name.startswith(f"{folder}/")}
        return {name: when for name, when in inside.items() if not name.endswith(card)}


def remains(folder: Path, survivors: list[str] | None = None) -> Remains:
    """Look at a run folder in which nothing runs."""
    files = [f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(".tmp")]
    return Remains(
        stages=json.loads((folder / "manifest.json").read_text("utf-8"))["stages"],
        written={str(f.relative_to(folder)): f.stat().st_mtime_ns for f in files},
        answered=_answered(folder),
        survivors=tuple(survivors or ()),
    )


def _answered(folder: Path) -> frozenset[str]:
    with tempfile.TemporaryDirectory() as aside:  # a copy: reading a cut-off WAL would fold it in
        for file in folder.glob("llm_calls.sqlite*"):
            shutil.copy(file, aside)
        copy = Path(aside, "llm_calls.sqlite")
        if not copy.exists():
            return frozenset()
        with closing(sqlite3.connect(copy)) as db:
            return frozenset(sha256(body).hexdigest() for (body,) in db.execute("SELECT request FROM calls"))


def teacher_log(log: Path) -> list[dict[str, Any]]:
    """What the teacher has noted so far, in order; a line being written is left out."""
    whole, _, _ = log.read_text("utf-8").rpartition("\n") if log.exists() else ("", "", "")
    return [json.loads(line) for line in whole.splitlines()]


def calls_in(log: Path) -> list[str]:
    """The sha256 of each request that the teacher got, in order."""
    return [line["digest"] for line in teacher_log(log) if line["event"] == "received"]


def metrics(folder: Path, stage: str) -> list[dict[str, Any]]:
    """The whole rows of a stage's curves."""
    file = folder / stage / "metrics.jsonl"
    whole, _, _ = file.read_text("utf-8").rpartition("\n") if file.exists() else ("", "", "")
    return [json.loads(line) for line in whole.splitlines()]


def started_at(folder: Path, stage: str) -> list[int]:
    """The first step of each session that TensorBoard's events of a stage tell of."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    files = sorted((folder / stage / "tensorboard").glob("events.*"), key=lambda f: f.stat().st_mtime_ns)
    events = [Event.FromString(raw) for file in files for raw in RawEventFileLoader(str(file)).Load()]
    return [event.step for event in events if event.session_log.status == SessionLog.START]
