"""The pool's end of the stream to one scoring process: samples out, scores in.

Collaborators: ``process_pool`` is told when the stream is open, when scores come and when the process has
ended; ``frames`` is the wire format, ``worker_main`` the other end.
Invariant: the end is told after all scores that the process had sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

import psutil

from actors.scoring.call_queue import Item
from actors.scoring.frames import FrameBuffer, frame
from actors.scoring.worker_load import CpuUse


class Listener(Protocol):
    """Who is told what a scoring process does."""

    def started(self, slot: WorkerSlot) -> None:
        """The process can be sent samples."""

    def scored(self, slot: WorkerSlot, scores: Sequence[tuple[Item, bytes]]) -> None:
        """Scores have come, pickled."""

    def lost(self, slot: WorkerSlot) -> None:
        """The process has ended."""


class WorkerSlot(asyncio.Protocol):
    """A scoring process, known to the scheduler by ``number``."""

    def __init__(self, listener: Listener, number: int, pid: int) -> None:
        self.number, self.pid = number, pid
        self._listener, self._buffer = listener, FrameBuffer()
        self._sent: dict[int, Item] = {}
        self._frames = 0
        self._transport: asyncio.WriteTransport | None = None

    def send(self, items: Sequence[tuple[Item, bytes]]) -> None:
        """Have pickled samples scored."""
        if self._transport is None:
            raise ConnectionError(f"scoring process {self.pid} is not connected yet")
        frames = []
        for item, body in items:
            self._frames = (self._frames + 1) & 0xFFFFFFFF
            self._sent[self._frames] = item
            frames.append(frame(self._frames, body))
        self._transport.writelines(frames)

    def cpu_use(self) -> CpuUse:
        """Processor time of the process; none if it has ended."""
        try:
            process = psutil.Process(self.pid)
            times = process.cpu_times()
            return CpuUse(times.user + times.system, process.status() == psutil.STATUS_RUNNING)
        except psutil.Error:
            return CpuUse(0.0, False)

    def close(self) -> None:
        """Close the stream at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the stream is open."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass
        self._listener.started(self)

    def data_received(self, data: bytes) -> None:
        """asyncio's: a piece of the stream has come."""
        scores = [(self._sent.pop(number), body) for number, body in self._buffer.feed(data)]
        if scores:
            self._listener.scored(self, scores)

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's: the process has ended, and all that it had sent was received."""
        self._listener.lost(self)
