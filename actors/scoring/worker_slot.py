"""One scoring process as its bench sees it: what it was given, and since when it is at it.

Collaborators: ``bench`` hands out work and is told of scores and of the end; ``nursery`` made the process.
Invariants: ``open`` holds what was sent and not answered, in the order sent; a process of ordinary
functions is at the first of them since ``since``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol, cast

import psutil

from actors.scoring.frames import FrameBuffer, frame


@dataclass(eq=False)
class Job:
    """One call's samples: what waits, what came back."""

    scores: list[bytes | None]
    done: asyncio.Future[None]
    left: int
    waiting: list[Item] = field(default_factory=list)
    """In reverse, so that the next is the last."""

    def settle(self, item: Item, score: bytes) -> None:
        """Keep the score of an item."""
        self.scores[item.place] = score
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


@dataclass(eq=False)
class Item:
    """One sample of a job: its place there, its id, its pickled form."""

    job: Job
    place: int
    id: str
    body: bytes
    deaths: int = 0
    """Processes that have died at it."""


class Owner(Protocol):
    """Who is told what becomes of a desk."""

    def scored(self, desk: Desk, item: Item, score: bytes) -> None: ...

    def rested(self, desk: Desk, item_s: float) -> None: ...

    def lost(self, desk: Desk) -> None: ...


class Desk(asyncio.Protocol):
    """A scoring process and the samples it has."""

    def __init__(self, owner: Owner, pid: int, now: float) -> None:
        self.pid, self.open, self.since = pid, dict[int, Item](), now
        self._cpu_since, self._cpu_s = -1.0, 0.0
        self.overdue: Item | None = None
        """The item on whose account it was killed."""
        self.alone = False
        """Whether it is to get nothing else before what it has is done."""
        self._owner, self._buffer, self._number = owner, FrameBuffer(), 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be given work."""
        return self._transport is not None and self.overdue is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the stream is there."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass

    def give(self, items: list[Item], alone: bool = False) -> None:
        """Send samples to be scored."""
        assert self._transport is not None
        if not self.open:
            self.since = self._loop.time()
        self.alone = alone
        sent = []
        for item in items:
            self._number = (self._number + 1) & 0xFFFFFFFF
            self.open[self._number] = item
            sent.append(frame(self._number, item.body))
        self._transport.writelines(sent)

    def data_received(self, data: bytes) -> None:
        """asyncio's: scores have come."""
        got = [(self.open.pop(number), body) for number, body in self._buffer.feed(data)]
        if not got:
            return
        for item, score in got:
            self._owner.scored(self, item, score)
        now = self._loop.time()
        item_s, self.since = (now - self.since) / len(got), now
        self._owner.rested(self, item_s)

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's: the process has ended, and all that it had sent was received."""
        self._owner.lost(self)

    def note_cpu(self) -> None:
        """Remember, once per sample, how much processor time the process has had."""
        if self._cpu_since != self.since:
            self._cpu_since, self._cpu_s = self.since, _cpu_s(self.pid)[0]

    def starved(self, limit_s: float) -> bool:
        """Whether it would run but has got less than half of ``limit_s`` since ``note_cpu``."""
        cpu_s, runnable = _cpu_s(self.pid)
        return runnable and self._cpu_since == self.since and cpu_s - self._cpu_s < limit_s / 2

    def let_go(self) -> None:
        """Close the stream at once."""
        if self._transport is not None:
            self._transport.abort()


def _cpu_s(pid: int) -> tuple[float, bool]:
    """Processor seconds of a process so far, and whether it wants more now."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return times.user + times.system, process.status() == psutil.STATUS_RUNNING
    except psutil.Error:
        return 0.0, False
