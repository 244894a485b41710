"""A lane of the timeline: what one process did, from when to when.

Pure but for the clock. Collaborators: the engine thread of a rollout worker notes its states, the loop's
``PhaseClock`` those of the learner; ``timeline_file`` keeps them, the report draws them.
Invariants:
- Stretches of a lane follow each other without overlap, each of one state.
- An entry costs a comparison while the state stays, and a stretch when it changes; one thread notes, any
  thread may take.
- Times are seconds since 1970 by the clock of the process's own node, and within a process never go back.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

WorkerState = Literal["load", "generate", "idle", "sync", "recompute"]
"""recompute: steps until all that ran when weights came have a token of the new ones."""
LearnerState = Literal["train", "reference", "sync", "wait"]
OF_PHASE: dict[str, LearnerState] = {"train": "train", "reference": "reference", "publish": "sync"}
"""What the learner does in a phase of a step; in all others it waits."""
LEARNER = "learner"


class Stretch(NamedTuple):
    """One state, from ``begun`` to ``ended``."""

    state: str
    begun: float
    ended: float


class LaneSpan(NamedTuple):
    """A stretch of a lane by name."""

    lane: str
    stretch: Stretch


def wall_clock() -> Callable[[], float]:
    """Seconds since 1970 that never go back: the time now, and monotonic from here on."""
    ahead = time.time() - time.monotonic()
    return lambda: ahead + time.monotonic()


class LaneNotes:
    """Of a worker that is in ``state`` now."""

    def __init__(self, state: WorkerState, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or wall_clock()
        self._state, self._since = state, self._clock()
        self._done: deque[Stretch] = deque()

    def turn(self, state: WorkerState) -> None:
        """The worker is in this state from now on."""
        if state != self._state:
            now = self._clock()
            self._done.append(Stretch(self._state, self._since, now))
            self._state, self._since = state, now

    def take(self) -> tuple[Stretch, ...]:
        """The stretches that ended since the last call."""
        return tuple(self._done.popleft() for _ in range(len(self._done)))


def of_worker(worker: int, stretches: Iterable[Stretch]) -> list[LaneSpan]:
    """A rollout worker's, by its number."""
    return [LaneSpan(f"worker {worker}", stretch) for stretch in stretches]


def of_learner(phases: Sequence[tuple[str, float, float]], begun: float, ended: float) -> list[LaneSpan]:
    """The learner's lane of a step, from its phases (name, begun, ended; in order); in gaps it waits."""
    found: list[Stretch] = []

    def add(state: str, since: float, until: float) -> None:
        if until <= since:
            return
        if found and found[-1].state == state:
            since = found.pop().begun
        found.append(Stretch(state, since, until))

    at = begun
    for phase, since, until in phases:
        add("wait", at, since)
        add(OF_PHASE.get(phase, "wait"), since, until)
        at = until
    add("wait", at, ended)
    return [LaneSpan(LEARNER, stretch) for stretch in found]
