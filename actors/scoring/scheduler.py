"""Which worker gets which sample, when a worker is ended, and how many there are.

Role: a pure state machine without tasks, processes or a clock of its own. It is told what happens, each
time with the time, and returns ``decisions``, which ``process_pool`` carries out.
Collaborators: ``call_queue`` (what waits), ``tries`` (what has ended, and what workers died at),
``worker_load`` (deadlines), ``scaling`` (how many workers).

Events:

- ``admit`` and ``abandon``: a call's samples come, or nobody waits for them any more;
- ``started``, ``scored``, ``lost``: a worker is there, has answered, has ended;
- ``scale`` and ``end_late``: time has passed.

Invariants:

- each item of a call ends exactly once: scored, or with the :class:`Fail` that says why; an item that has
  ended is never sent again;
- a late item costs its worker and itself; the others that the worker had go back to the queue;
- a worker that ends by itself costs nothing but another try of the item it was at. That item is tried alone,
  and fails when ``TRIES`` workers have ended at it;
- a worker of coroutines is at all its items at once, so when it ends each of them is tried alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actors.scoring.call_queue import CallQueue, Item
from actors.scoring.decisions import Decision, End, Fail, FailReason, Scale, Send
from actors.scoring.scaling import Load, ScalingPolicy
from actors.scoring.tries import Tries
from actors.scoring.worker_load import STALLED_SHARE, CpuUse, Deadline, WorkerLoad

CONCURRENT = 64
"""Samples at once in a worker whose scorer waits for a judge."""
CHUNK_S, CHUNK = 0.002, 16
"""What a worker is sent ahead: so much work, but no more samples than this; they wait if one hangs."""
SMOOTHING = 0.1
"""Weight of the newest measure in the running mean of a sample's time."""


@dataclass(frozen=True)
class SchedulerStatus:
    """What there is to do, and what has happened so far."""

    calls: int
    waiting: int
    in_work: int
    scored: int
    timeouts: int
    deaths: int


class Scheduler:
    """The state of one pool of workers; ``concurrent`` if each is at many samples at once."""

    def __init__(self, scaling: ScalingPolicy, timeout_s: float, concurrent: bool, cores: int) -> None:
        self._scaling, self._concurrent, self._cores = scaling, concurrent, cores
        self._deadline = Deadline(timeout_s, concurrent)
        self._workers: dict[int, WorkerLoad] = {}
        self._queue = CallQueue()
        self._tries = Tries()
        self._item_s = 0.0
        self._wanted, self._needed_at = 0, -math.inf
        self._scored = self._timeouts = self._deaths = 0

    # Calls.

    def admit(self, call: int, count: int, now: float) -> list[Decision]:
        """A new call with ``count`` items."""
        self._tries.add(call, count)
        self._queue.add(call, count)
        return self._hand_out(now)

    def abandon(self, call: int) -> list[Decision]:
        """Nobody waits for a call any more, so what hangs in it must not hold a worker until its deadline."""
        self._forget(call)
        if self._concurrent:
            return []  # a worker that awaits many samples is not ended for one
        ended: list[Decision] = []
        for number, worker in self._workers.items():
            of_call = [item for item in worker.open if item.call == call]
            if of_call and worker.ended_for is None:
                worker.ended_for = of_call[0]
                ended.append(End(number))
        return ended

    def abandon_all(self) -> None:
        """Forget all calls; workers finish what they have."""
        for call in self._tries.calls():
            self._forget(call)

    # Workers.

    def started(self, worker: int, now: float) -> list[Decision]:
        """A worker can take work."""
        self._workers[worker] = WorkerLoad(since=now)
        return self._hand_out(now, [worker])

    def scored(self, worker: int, items: Iterable[Item], now: float) -> list[Decision]:
        """A worker has sent scores of ``items``."""
        load = self._workers[worker]
        answered = list(items)
        for item in answered:
            del load.open[item]
            self._tries.end(item)
        self._scored += len(answered)
        item_s = (now - load.since) / len(answered)
        self._item_s += (SMOOTHING if self._item_s else 1.0) * (item_s - self._item_s)
        load.since = now
        return self._hand_out(now, [worker])

    def lost(self, worker: int, now: float) -> list[Decision]:
        """A worker has ended, and all that it had sent was received."""
        load = self._workers.pop(worker)
        left = [item for item in load.open if self._tries.wanted(item)]
        if load.ended_for is None:
            self._deaths += 1
        at = load.ended_for
        if at is None and not self._concurrent:
            at = next(iter(load.open), None)
        # It was ended for, or died at, an item that was answered meanwhile or that nobody wants any more.
        blameless = at is not None and at not in left
        accused = 0 if blameless else len(left) if self._concurrent else min(1, len(left))
        decisions: list[Decision] = []
        for item in left[:accused]:
            if item == load.ended_for and accused == 1:
                decisions.append(self._fail(item, "late"))
            elif not self._tries.accuse(item):
                decisions.append(self._fail(item, "died"))
        self._queue.put_back(left[accused:])
        return decisions + self._hand_out(now)

    # Time.

    def scale(self, now: float) -> Scale:
        """How many workers to start, and which to end."""
        load = self._load(now)
        if self._scaling.needed(load) > self._scaling.minimum:
            self._needed_at = now
        self._wanted = self._scaling.wanted(load)
        surplus = max(0, len(self._workers) - self._wanted)
        idle = tuple(number for number, worker in self._workers.items() if not worker.open)[:surplus]
        for number in idle:
            del self._workers[number]
        return Scale(max(0, self._wanted - len(self._workers)), idle)

    def to_measure(self, now: float) -> list[int]:
        """Workers whose :class:`CpuUse` :meth:`end_late` must be given."""
        return [n for n, worker in self._workers.items() if worker.needs_measure(now, self._deadline)]

    def end_late(self, now: float, uses: Mapping[int, CpuUse]) -> list[Decision]:
        """End workers that are past their deadline."""
        ended: list[Decision] = []
        for number, worker in self._workers.items():
            if worker.late(now, self._deadline, uses.get(number)):
                worker.ended_for = next(iter(worker.open))
                ended.append(End(number))
        return ended

    @property
    def idle(self) -> bool:
        """Whether nothing will happen by time alone: no work, and no more workers than there must be."""
        few = len(self._workers) <= self._scaling.minimum
        return few and not any(worker.open for worker in self._workers.values())

    def status(self) -> SchedulerStatus:
        """Counts of items and events."""
        return SchedulerStatus(
            calls=len(self._tries.calls()),
            waiting=len(self._queue) + self._tries.suspects,
            in_work=sum(len(worker.open) for worker in self._workers.values()),
            scored=self._scored,
            timeouts=self._timeouts,
            deaths=self._deaths,
        )

    def _fail(self, item: Item, why: FailReason) -> Fail:
        self._timeouts += why == "late"
        self._tries.end(item)
        return Fail(item, why)

    def _forget(self, call: int) -> None:
        self._tries.forget(call)
        self._queue.drop(call)

    # Handing out.

    def _hand_out(self, now: float, workers: Iterable[int] | None = None) -> list[Decision]:
        numbers = self._workers if workers is None else workers
        return [Send(number, items) for number in numbers if (items := self._next(number, now))]

    def _next(self, number: int, now: float) -> tuple[Item, ...]:
        """What a worker is to be sent now, noted as sent."""
        worker = self._workers[number]
        if not worker.accepts:
            return ()
        items: tuple[Item, ...] = ()
        room = self._chunk() - len(worker.open)
        suspect = None if worker.open else self._tries.next_suspect()
        if suspect is not None:
            items = (suspect,)
        elif room * 2 >= self._chunk():
            items = self._queue.take(room)
        if items:
            if not worker.open:
                worker.since = now
            worker.alone = suspect is not None
            worker.open.update(dict.fromkeys(items))
        return items

    def _chunk(self) -> int:
        if self._concurrent:
            return CONCURRENT
        return max(1, min(CHUNK, int(CHUNK_S / self._item_s))) if self._item_s else 1

    def _load(self, now: float) -> Load:
        stalled_after = STALLED_SHARE * self._deadline.timeout_s
        stalled = sum(worker.stalled(now, stalled_after) for worker in self._workers.values())
        waiting = self.status().waiting
        return Load(
            # One that was ended is still counted: without its replacement the next to hang idles a core.
            processes=max(len(self._workers), self._wanted),
            stalled=0 if self._concurrent else stalled,
            # A judge's samples wait for nothing but a place: so many workers as give each a place.
            backlog_s=waiting / CONCURRENT if self._concurrent else waiting * self._item_s,
            cores=self._cores,
            quiet_s=now - self._needed_at,
        )
