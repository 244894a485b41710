"""The board of a running fleet: what it looks like, and what users want of it, for any shell of the cluster.

Role: a named actor that the run writes to and reads from once a second; ``psyche-rl workers`` and ``psyche-rl
scale`` find it by the run's folder.
Collaborators: ``upkeep`` (the run's side), ``launch.cli.fleet`` (the users').
Invariants:
- The run never waits for the board: a user's word is heard a second later.
- It stands on the node of the run's driver; one that is lost, or was of an earlier start's job, is made anew.
- A word is answered once, by what holds from then on.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray

from actors.cluster import on_this_node
from actors.waits import Waiting, wait
from psyche_rl.errors import RemoteWaitError, RunFolderError
from psyche_rl.records import content_id

NAMESPACE = "psyche-rl-runs"
"""Ray namespace of boards: jobs have one each, so names must lie in one that all know."""
ANSWER_S = 60.0
"""A run that is within a publish or a long wait still turns to its board once a second."""
ANEW_S = 15.0
"""In which a run has noticed that its board is lost, and has made another."""


@dataclass(frozen=True)
class WorkerRow:
    """A worker as its fleet sees it. ``since_s``: seconds in its state; ``load``: samples that it has."""

    id: int
    state: str
    since_s: float
    node: str
    pid: int | None
    version: int | None
    load: int
    steps: int
    """Engine steps since it started."""


@dataclass(frozen=True)
class FleetPicture:
    """A fleet at one moment."""

    version: int
    wanted: int
    why: str
    queued: int
    """Samples that wait for a worker."""
    workers: tuple[WorkerRow, ...] = ()
    at: float = field(default_factory=time.time)


class _Board:
    """The actor."""

    def __init__(self) -> None:
        self._picture: FleetPicture | None = None
        self._asked: list[tuple[int, int | None]] = []
        self._answers: dict[int, str] = {}
        self._number = 0

    def exchange(self, picture: FleetPicture) -> list[tuple[int, int | None]]:
        """Of the run: how it is; returns what was asked since."""
        self._picture, asked = picture, self._asked
        self._asked = []
        return asked

    def tell(self, number: int, told: str) -> None:
        """Of the run: what it answers."""
        self._answers[number] = told

    def picture(self) -> FleetPicture | None:
        return self._picture

    def ask(self, workers: int | None) -> int:
        self._number += 1
        self._asked.append((self._number, workers))
        return self._number

    def answer(self, number: int) -> str | None:
        return self._answers.pop(number, None)


class RunSide:
    """The run's end of its board."""

    def __init__(self, run_url: str) -> None:
        self._start: Any = ray.remote(_Board).options(
            name=board_name(run_url),
            namespace=NAMESPACE,
            num_cpus=0,
            get_if_exists=True,
            scheduling_strategy=on_this_node(soft=True),  # no other node's loss takes it
        )
        self._actor: Any = self._start.remote()
        self._under_way: Any = None

    def exchange(self, picture: FleetPicture) -> list[tuple[int, int | None]]:
        """Show the picture; returns what was asked, each with its number. Waits for nothing."""
        asked: list[tuple[int, int | None]] = []
        if self._under_way is not None:
            ready, _ = ray.wait([self._under_way], timeout=0)
            if not ready:
                return []
            try:
                asked = wait(self._under_way, Waiting("board", "exchange", deadline_s=ANSWER_S))
            except RemoteWaitError:
                self._actor = self._start.remote()
        self._under_way = self._actor.exchange.remote(picture)
        return asked

    def answer(self, number: int, told: str) -> None:
        """What holds from now on. Waits for nothing."""
        self._actor.tell.remote(number, told)


class UserSide:
    """The board of a run, found by path, URL, or the run's id.

    Raises:
        RunFolderError: no running stage has one.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        try:
            self._actor = self._found()
        except ValueError:
            raise RunFolderError(
                f"{run}: no fleet to be found in this cluster; grpo must be running there, with "
                "grpo.staleness above 0 (in sync mode the number of workers is fixed)"
            ) from None

    def picture(self) -> FleetPicture | None:
        """The newest; a board made a moment ago is given time for its first. None: there is none yet."""
        deadline = time.monotonic() + ANEW_S
        found: FleetPicture | None
        while (found := self._ask("picture")) is None and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def scale(self, workers: int | None) -> str:
        """Ask for so many workers (None: as the policy says); returns what holds.

        Raises:
            RemoteWaitError: the run does not answer.
        """
        number = self._ask("ask", workers)
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            if (told := self._ask("answer", number)) is not None:
                return str(told)
            time.sleep(0.2)
        why = f"no answer within {ANSWER_S:.0f} s; a run that is starting again hears it afterwards"
        raise RemoteWaitError(f"run {self._run}", "scale", None, why)

    def _ask(self, method: str, *arguments: Any) -> Any:
        """Ask the board; where it is lost, the one that the run makes in its place."""
        deadline = time.monotonic() + ANEW_S
        while True:
            ref = getattr(self._actor, method).remote(*arguments)
            try:
                return wait(ref, Waiting(f"board of {self._run}", method, None, ANSWER_S))
            except RemoteWaitError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)
            with suppress(ValueError):  # it is not there yet
                self._actor = self._found()

    def _found(self) -> Any:
        return ray.get_actor(board_name(self._run), namespace=NAMESPACE)


def board_name(run: str) -> str:
    """Of a run folder, local or by URL; the id of a run is this name itself."""
    if run.startswith("run-"):
        return run
    return content_id("run", run if "://" in run else os.path.abspath(run))
