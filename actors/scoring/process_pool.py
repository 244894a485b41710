"""A bench of scoring processes: samples in, one score or typed error each out, whatever scorers do.

Role: queue, deadlines and scale. Runs in an event loop; scoring happens in processes forked from a
nursery. Collaborators: ``desk`` (one process), ``nursery_link``, ``scaling`` (the policy).
Invariants: one score per sample, in the order given; a sample that was scored is never scored again,
whatever becomes of its process; a sample past its deadline costs its process and itself, nothing else; a
process that dies by itself or from outside costs nothing but another try of the sample it was at, which
gets an error when ``TRIES`` processes have died at it; calls take turns, so a long one does not keep a
short one waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from actors.scoring.fork_client import Nursery
from actors.scoring.fork_server import Upbringing
from actors.scoring.scaling import Load, ScalingPolicy
from actors.scoring.worker_main import timed_out
from actors.scoring.worker_slot import Desk, Item, Job
from psyche_rl.errors import PsycheError
from rewards import Score

Parcel = tuple[str, bytes]
"""A sample's id and its pickled form, which only a scoring process opens."""
TRIES = 3
CONCURRENT = 64
"""Samples at once in a process whose scorer waits for a judge."""
CHUNK_S, CHUNK = 0.002, 16
"""What a process is given ahead: so much work, but no more samples than this; they wait if one hangs."""
STALLED_SHARE = 0.1
"""Share of its deadline after which a sample's process is no longer counted on."""
STARVED = 4
"""Times its deadline that a sample may take where its process wants to run and is not let."""
GRACE_S = 2.0
"""A process keeps its own deadlines where scorers are coroutines; if it does not, it is blocked."""


@dataclass(frozen=True)
class BenchStatus:
    """What a bench is and does at one moment."""

    reward: str
    pids: tuple[int, ...]
    waiting: int
    in_work: int
    scored: int
    timeouts: int
    deaths: int


class Bench:
    """Scoring processes for one reward; ``start`` before use, ``close`` after."""

    def __init__(self, upbringing: Upbringing, policy: ScalingPolicy) -> None:
        self._upbringing, self._policy = upbringing, policy
        self._timeout_s = upbringing.timeout_s
        self._nursery: Nursery | None = None
        self._desks: list[Desk] = []
        self._jobs: deque[Job] = deque()
        self._suspects: deque[Item] = deque()
        self._item_s = 0.0
        self._scored = self._timeouts = self._deaths = 0
        self._wanted, self._needed_at = 0, 0.0
        self._watch: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closed = False

    async def start(self) -> None:
        """Load the reward and fork the first processes; a second call does nothing.

        Raises:
            ConfigError: the reward cannot be loaded.
        """
        if self._watch is None:
            self._nursery = Nursery(self._upbringing)
            self._watch = asyncio.ensure_future(self._watching())
            self._watch.add_done_callback(self._not_watched)
            self._wake.set()

    async def score(self, parcels: Sequence[Parcel]) -> list[bytes]:
        """One pickled ``Score`` per parcel, in order."""
        await self.start()
        loop = asyncio.get_running_loop()
        job = Job([None] * len(parcels), loop.create_future(), len(parcels))
        if not parcels:
            return []
        job.waiting = [Item(job, place, *parcel) for place, parcel in enumerate(parcels)][::-1]
        self._jobs.append(job)
        try:
            self._work_is_there()
            await job.done
        finally:
            if job.done.cancelled():
                self._give_up(job)
        return [score for score in job.scores if score is not None]

    def status(self) -> BenchStatus:
        """Its processes and counters."""
        nursery = self._nursery
        return BenchStatus(
            reward=nursery.reward_name if nursery else "",
            pids=tuple(desk.pid for desk in self._desks),
            waiting=self._waiting(),
            in_work=sum(len(desk.open) for desk in self._desks),
            scored=self._scored,
            timeouts=self._timeouts,
            deaths=self._deaths,
        )

    async def close(self) -> None:
        """End all processes; calls under way are given up."""
        self._closed = True
        if self._watch:
            self._watch.cancel()
        for desk in self._desks:
            desk.let_go()
        if self._nursery:
            self._nursery.close()
        self._fail_jobs(asyncio.CancelledError())

    # What desks tell.

    def scored(self, desk: Desk, item: Item, score: bytes) -> None:
        """A score has come."""
        self._scored += 1
        item.job.settle(item, score)

    def rested(self, desk: Desk, item_s: float) -> None:
        """Scores have come, after ``item_s`` seconds each: there is room for more."""
        self._item_s += (0.1 if self._item_s else 1.0) * (item_s - self._item_s)
        self._fill(desk)

    def lost(self, desk: Desk) -> None:
        """A process has ended: give its work to others."""
        if self._closed or desk not in self._desks:
            return
        self._desks.remove(desk)
        if self._nursery:
            self._nursery.end(desk.pid)  # what it had started
        left = [item for item in desk.open.values() if not item.job.done.done()]
        if desk.overdue is None:
            self._deaths += 1
        given_up = desk.overdue is not None and desk.overdue not in left
        accused = [] if given_up else left if self._concurrent else left[:1]
        for item in left:
            if item is desk.overdue and (len(accused) == 1):
                self._timeouts += 1
                item.job.settle(item, _pickled(timed_out(self._name, item.id, self._timeout_s)))
            elif item in accused:
                self._try_again(item)
        back = [item for item in left if item not in accused]
        for item in reversed(back):
            item.job.waiting.append(item)
        self._readmit(back)
        self._work_is_there()

    def _give_up(self, job: Job) -> None:
        """Nobody waits for a call any more: what hangs in it must not hold a process until its deadline."""
        job.waiting.clear()
        if self._concurrent or self._nursery is None:
            return  # a process that awaits many samples is not ended for one
        for desk in self._desks:
            mine = [item for item in desk.open.values() if item.job is job]
            if mine and desk.overdue is None:
                desk.overdue = mine[0]
                self._nursery.end(desk.pid)
        self._wake.set()

    def _try_again(self, item: Item) -> None:
        item.deaths += 1
        if item.deaths < TRIES:
            self._suspects.append(item)
        else:
            why = f"its process died or could not answer ({TRIES} times)"
            score = Score.failed("scorer_exception", f"{self._name} on sample {item.id}: {why}")
            item.job.settle(item, _pickled(score))

    # Handing out.

    def _work_is_there(self) -> None:
        for desk in self._desks:
            self._fill(desk)
        self._wake.set()

    def _fill(self, desk: Desk) -> None:
        if not desk.ready or (desk.alone and desk.open):
            return
        if self._suspects and not desk.open:
            desk.give([self._suspects.popleft()], alone=True)
            return
        room = self._chunk() - len(desk.open)
        if room * 2 >= self._chunk() and (items := self._take(room)):
            desk.give(items)

    def _chunk(self) -> int:
        if self._concurrent:
            return CONCURRENT
        return max(1, min(CHUNK, int(CHUNK_S / self._item_s))) if self._item_s else 1

    def _take(self, room: int) -> list[Item]:
        """The next items of the call whose turn it is."""
        while self._jobs and not self._jobs[0].waiting:
            self._jobs.popleft()
        if not self._jobs:
            return []
        job = self._jobs[0]
        self._jobs.rotate(-1)
        return [job.waiting.pop() for _ in range(min(room, len(job.waiting)))]

    def _readmit(self, items: list[Item]) -> None:
        for job in dict.fromkeys(item.job for item in items):
            if job not in self._jobs:
                self._jobs.appendleft(job)

    def _waiting(self) -> int:
        return sum(len(job.waiting) for job in self._jobs) + len(self._suspects)

    # Deadlines and scale.

    async def _watching(self) -> None:
        tick = min(0.25, max(0.01, self._timeout_s / 20))
        while True:
            self._wake.clear()
            await self._scale()
            quiet = len(self._desks) <= self._policy.minimum and not any(d.open for d in self._desks)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if quiet else tick)
            for _ in range(2):
                await asyncio.sleep(0)  # scores that lie in a buffer are not late
            self._kill_overdue()

    def _not_watched(self, watch: asyncio.Task[None]) -> None:
        if not watch.cancelled() and (error := watch.exception()):
            self._fail_jobs(error)  # a defect of ours: better seen than waited for

    def _kill_overdue(self) -> None:
        now = asyncio.get_running_loop().time()
        limit = self._timeout_s + GRACE_S if self._concurrent else self._timeout_s
        for desk in self._desks:
            waited = now - desk.since
            if not desk.open or desk.overdue is not None or waited <= STALLED_SHARE * limit:
                continue
            desk.note_cpu()
            if waited > limit and not (waited <= STARVED * limit and desk.starved(limit)) and self._nursery:
                desk.overdue = next(iter(desk.open.values()))
                # What it has sent by now is read before its end is seen, so no score is lost by this.
                self._nursery.end(desk.pid)

    async def _scale(self) -> None:
        now = asyncio.get_running_loop().time()
        load = self._load(now)
        if self._policy.needed(load) > self._policy.minimum:
            self._needed_at = now
        wanted = self._wanted = self._policy.wanted(load)
        try:
            while len(self._desks) < wanted:
                await self._fork()
        except PsycheError as error:
            self._fail_jobs(error)
        for desk in [d for d in self._desks if not d.open][: max(0, len(self._desks) - wanted)]:
            self._desks.remove(desk)
            desk.let_go()
            if self._nursery:
                self._nursery.end(desk.pid)

    def _load(self, now: float) -> Load:
        after = STALLED_SHARE * self._timeout_s
        stalled = [d for d in self._desks if d.open and now - d.since > after]
        waiting = self._waiting()
        # A judge's samples wait for nothing but a place: so many processes as give each a place.
        backlog_s = waiting / CONCURRENT if self._concurrent else waiting * self._item_s
        return Load(
            # One that was killed is still counted: without its replacement the next to hang idles a core.
            processes=max(len(self._desks), self._wanted),
            stalled=0 if self._concurrent else len(stalled),
            backlog_s=backlog_s,
            cores=len(os.sched_getaffinity(0)),
            quiet_s=now - self._needed_at,
        )

    async def _fork(self) -> None:
        if self._nursery is None:
            self._nursery = Nursery(self._upbringing)
        try:
            pid, stream = self._nursery.fork()
        except PsycheError:  # killed, perhaps, for want of memory
            self._nursery = Nursery(self._upbringing)
            pid, stream = self._nursery.fork()
        loop = asyncio.get_running_loop()
        desk = Desk(self, pid, loop.time())
        stream.setblocking(False)
        self._desks.append(desk)
        await loop.create_unix_connection(lambda: desk, sock=stream)
        self._fill(desk)

    def _fail_jobs(self, error: BaseException) -> None:
        jobs = {item.job for desk in self._desks for item in desk.open.values()}
        for job in {*self._jobs, *jobs, *(item.job for item in self._suspects)}:
            if not job.done.done():
                job.done.set_exception(error)
        self._jobs.clear()
        self._suspects.clear()

    @property
    def _concurrent(self) -> bool:
        return self._nursery is not None and self._nursery.concurrent

    @property
    def _name(self) -> str:
        return self._nursery.reward_name if self._nursery else "reward"


def _pickled(score: Score) -> bytes:
    return pickle.dumps(score, protocol=5)
