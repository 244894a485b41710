"""A pool of scoring processes: samples in, one score or typed error each out, whatever scorers do.

Role: the thin shell, in an event loop, that tells the ``scheduler`` what happens and carries out what it
decides. Collaborators: ``fork_client`` makes and kills processes, ``worker_slot`` talks to one of them.

Invariants:

- one score per sample, in the order given;
- samples are pickled by the caller and opened in a scoring process only;
- when no call is under way and no process is surplus, nothing wakes the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.scoring.call_queue import Item
from actors.scoring.decisions import Decision, End, Fail, Send
from actors.scoring.fork_client import ForkClient
from actors.scoring.fork_server import WorkerSpec
from actors.scoring.scaling import ScalingPolicy
from actors.scoring.scheduler import Scheduler, SchedulerStatus
from actors.scoring.tries import TRIES
from actors.scoring.worker_main import timed_out
from actors.scoring.worker_slot import WorkerSlot
from psyche_rl.errors import PsycheError
from rewards import Score

PickledSample = tuple[str, bytes]
"""A sample's id and its pickled form."""


@dataclass(frozen=True)
class ProcessPoolStatus:
    """A pool at one moment: the reward's name, its processes, and what the scheduler counts."""

    reward: str
    pids: tuple[int, ...]
    work: SchedulerStatus


@dataclass(eq=False)
class _Call:
    """The samples of one call of ``score``, and the scores so far."""

    samples: Sequence[PickledSample]
    scores: list[bytes | None]
    left: int
    done: asyncio.Future[None]

    def settle(self, place: int, score: bytes) -> None:
        self.scores[place] = score
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class ScoringProcessPool:
    """Scoring processes for one reward, from construction in a running event loop to ``close``.

    Raises:
        ConfigError: the reward cannot be loaded; the constructor waits for that.
    """

    def __init__(self, spec: WorkerSpec, scaling: ScalingPolicy) -> None:
        self._spec = spec
        self._server = ForkClient(spec)
        cores = len(os.sched_getaffinity(0))
        self._scheduler = Scheduler(scaling, spec.timeout_s, self._server.concurrent, cores)
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, WorkerSlot] = {}
        self._calls: dict[int, _Call] = {}
        self._numbers = 0
        self._wake = asyncio.Event()
        self._closed = False
        self._watch = asyncio.ensure_future(self._watching())
        self._watch.add_done_callback(self._not_watched)

    async def score(self, samples: Sequence[PickledSample]) -> list[bytes]:
        """One pickled ``Score`` per sample, in order."""
        if not samples:
            return []
        number = self._next_number()
        call = _Call(samples, [None] * len(samples), len(samples), self._loop.create_future())
        self._calls[number] = call
        try:
            self._carry_out(self._scheduler.admit(number, len(samples), self._loop.time()))
            self._wake.set()
            await call.done
        finally:
            del self._calls[number]
            if call.done.cancelled() or not call.done.done():
                self._carry_out(self._scheduler.abandon(number))
                self._wake.set()
        return [score for score in call.scores if score is not None]

    def status(self) -> ProcessPoolStatus:
        """Its processes and counters."""
        pids = tuple(slot.pid for slot in self._slots.values())
        return ProcessPoolStatus(self._server.reward_name, pids, self._scheduler.status())

    async def close(self) -> None:
        """End all processes; calls under way are given up."""
        self._closed = True
        self._watch.cancel()
        for slot in self._slots.values():
            slot.close()
        self._slots.clear()
        self._server.close()
        self._fail_calls(asyncio.CancelledError())

    # What happens, as slots tell it.

    def started(self, slot: WorkerSlot) -> None:
        """A process can take work."""
        if self._closed:
            slot.close()
            return
        self._slots[slot.number] = slot
        self._carry_out(self._scheduler.started(slot.number, self._loop.time()))

    def scored(self, slot: WorkerSlot, scores: Sequence[tuple[Item, bytes]]) -> None:
        """Scores have come."""
        if slot.number not in self._slots:
            return
        for item, score in scores:
            self._settle(item, score)
        items = [item for item, _ in scores]
        self._carry_out(self._scheduler.scored(slot.number, items, self._loop.time()))

    def lost(self, slot: WorkerSlot) -> None:
        """A process has ended, of itself or because it was told to."""
        if self._slots.pop(slot.number, None) is None:
            return
        self._server.end(slot.pid)  # what it had started
        self._carry_out(self._scheduler.lost(slot.number, self._loop.time()))
        self._wake.set()

    # What is decided.

    def _carry_out(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Send(worker, items):
                    sent = [(item, self._calls[item.call].samples[item.place][1]) for item in items]
                    self._slots[worker].send(sent)
                case End(worker):
                    self._server.end(self._slots[worker].pid)
                case Fail(item, why):
                    self._settle(item, self._error(item, why == "late"))

    def _settle(self, item: Item, score: bytes) -> None:
        if (call := self._calls.get(item.call)) is not None:
            call.settle(item.place, score)

    def _error(self, item: Item, late: bool) -> bytes:
        name, sample_id = self._server.reward_name, self._calls[item.call].samples[item.place][0]
        if late:
            return pickle.dumps(timed_out(name, sample_id, self._spec.timeout_s), protocol=5)
        why = f"{name} on sample {sample_id}: its process died or could not answer ({TRIES} times)"
        return pickle.dumps(Score.failed("scorer_exception", why), protocol=5)

    # Deadlines and scale.

    async def _watching(self) -> None:
        tick = min(0.25, max(0.01, self._spec.timeout_s / 20))
        while True:
            self._wake.clear()
            await self._scale()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if self._scheduler.idle else tick)
            for _ in range(2):
                await asyncio.sleep(0)  # scores that lie in a buffer are not late
            now = self._loop.time()
            uses = {n: self._slots[n].cpu_use() for n in self._scheduler.to_measure(now)}
            # What a process has sent by now is read before its end is seen, so no score is lost by this.
            self._carry_out(self._scheduler.end_late(now, uses))

    def _not_watched(self, watch: asyncio.Task[None]) -> None:
        if not watch.cancelled() and (error := watch.exception()):
            self._fail_calls(error)  # a defect of ours: better seen than waited for

    async def _scale(self) -> None:
        scale = self._scheduler.scale(self._loop.time())
        try:
            for _ in range(scale.start):
                await self._start_one()
        except PsycheError as error:
            self._fail_calls(error)
        for number in scale.retire:
            slot = self._slots.pop(number)
            slot.close()
            self._server.end(slot.pid)

    async def _start_one(self) -> None:
        try:
            pid, stream = self._server.fork()
        except PsycheError:  # the fork server was killed, perhaps because memory ran out
            self._server = ForkClient(self._spec)
            pid, stream = self._server.fork()
        slot = WorkerSlot(self, self._next_number(), pid)
        stream.setblocking(False)
        await self._loop.create_unix_connection(lambda: slot, sock=stream)

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _fail_calls(self, error: BaseException) -> None:
        self._scheduler.abandon_all()
        for call in self._calls.values():
            if not call.done.done():
                call.done.set_exception(error)
