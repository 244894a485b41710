"""Which worker generates which sample in asynchronous mode.

Role: a pure state machine of what is queued and who is at what. The rollout pool tells it who takes work and
what has come back, and sends what :meth:`Dispatcher.assign` says. Sync mode has a static plan instead
(``rollout.dispatch``), which makes its results depend on nothing but the step.
Collaborators: ``fleet`` (who takes work), ``admission`` (which groups are started).
Invariants:

- The least loaded worker is next, of equals the one with the lowest id. None has more than ``cap`` samples:
  enough that its batch is always full, few enough that no long queue forms before a worker that turns out
  slow.
- Older groups go first. What a lost worker had goes back to its place in the queue, and what the group has
  already is kept.
- A sample at which ``LOSSES`` workers were lost is the cause, perhaps, and its group hopeless.
- Each sample of a group is used once: from the worker that it was last given to, the first time that it
  comes. Anything else is counted in :attr:`Dispatcher.duplicates`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

OUTDATED = 4
"""Entries of the ranking per worker at which it is made anew: rare, and it does not grow with the run."""


LOSSES = 5
"""Workers that may be lost while they are at a sample: more than a run of bad luck on spot machines."""


@dataclass(frozen=True, order=True)
class SampleWork:
    """Sample ``index`` of a group. ``place`` orders the groups, the oldest first."""

    place: int
    group: str
    index: int


@dataclass(frozen=True)
class SampleSend:
    """Give a sample to a worker."""

    slot: int
    work: SampleWork


@dataclass(frozen=True)
class Lost:
    """What the loss of a worker leaves to be done."""

    again: int
    """Samples that are queued again."""
    hopeless: tuple[str, ...]
    """Groups to give up: each has a sample that was lost ``LOSSES`` times."""


@dataclass
class _Group:
    place: int
    missing: set[int]
    given: dict[int, int] = field(default_factory=dict)
    """Slot of each sample that is being generated."""
    losses: Counter[int] = field(default_factory=Counter)
    """Workers lost at each sample."""


class Dispatcher:
    """Nothing queued and nobody there. ``cap``: samples that a worker may have at a time."""

    def __init__(self, cap: int) -> None:
        if cap < 1:
            raise ValueError(f"cap={cap}: a worker takes at least one sample")
        self._cap = cap
        self._groups: dict[str, _Group] = {}
        self._queue: list[SampleWork] = []  # a heap; what is no longer wanted stays behind
        self._at: dict[int, set[SampleWork]] = {}
        self._open: set[int] = set()
        self._ranked: list[tuple[int, int]] = []  # a heap of (load, slot); outdated entries stay behind
        self._queued = self._placed = self._open_load = 0
        self.duplicates = 0
        """Samples that came late or twice and were not used."""

    @property
    def queued(self) -> int:
        """Samples that wait for a worker."""
        return self._queued

    @property
    def running(self) -> int:
        """Samples that workers have."""
        return sum(len(works) for works in self._at.values())

    @property
    def free(self) -> int:
        """Samples that could be given out beyond those queued; below 0 if the queue is longer than that."""
        return self._cap * len(self._open) - self._open_load - self._queued

    def load(self, slot: int) -> int:
        """Samples that a worker has."""
        return len(self._at.get(slot, ()))

    def submit(self, group: str, samples: int) -> None:
        """A group to generate, younger than those before.

        Raises:
            ValueError: it is under way already.
        """
        if group in self._groups:
            raise ValueError(f"group {group} is under way already")
        self._groups[group] = _Group(self._placed, set(range(samples)))
        for index in range(samples):
            self._enqueue(SampleWork(self._placed, group, index))
        self._placed += 1

    def serving(self, slots: Iterable[int]) -> None:
        """These workers take work now and no others; what those have stays with them."""
        opened = set(slots)
        self._open = opened
        self._at = {slot: set() for slot in opened} | self._at
        self._open_load = sum(map(self.load, opened))
        self._rank_anew()

    def assign(self) -> list[SampleSend]:
        """Give out as much as may be."""
        sends = []
        while self._queued and (slot := self._least_loaded()) is not None:
            work = heappop(self._queue)
            group = self._groups.get(work.group)
            if group is None or group.place != work.place:
                continue  # it was forgotten while it waited
            self._queued -= 1
            group.given[work.index] = slot
            self._at[slot].add(work)
            self._changed(slot, +1)
            sends.append(SampleSend(slot, work))
        return sends

    def completed(self, slot: int, work: SampleWork) -> bool:
        """A worker has sent a sample; returns whether it is to be used."""
        self._take_back(slot, work)
        group = self._groups.get(work.group)
        if group is None or group.place != work.place or group.given.get(work.index) != slot:
            self.duplicates += 1
            return False
        del group.given[work.index]
        group.missing.discard(work.index)
        if not group.missing:
            del self._groups[work.group]
        return True

    def lost(self, slot: int) -> Lost:
        """A worker is gone; what it had is queued again."""
        works = self._at.get(slot, set())
        self.serving(self._open - {slot})
        self._at.pop(slot, None)
        hopeless = set()
        for work in works:
            group = self._groups[work.group]
            del group.given[work.index]
            self._enqueue(work)
            group.losses[work.index] += 1
            if group.losses[work.index] >= LOSSES:
                hopeless.add((group.place, work.group))
        return Lost(len(works), tuple(name for _, name in sorted(hopeless)))

    def forget(self, group: str) -> list[SampleSend]:
        """Nobody wants a group any more; returns what is to be aborted where it runs."""
        found = self._groups.pop(group, None)
        if found is None:
            return []
        self._queued -= len(found.missing) - len(found.given)
        running = [
            SampleSend(slot, work)
            for slot in sorted(set(found.given.values()))
            for work in sorted(self._at[slot])
            if work.group == group
        ]
        for send in running:
            self._take_back(send.slot, send.work)
        return running

    def _enqueue(self, work: SampleWork) -> None:
        heappush(self._queue, work)
        self._queued += 1

    def _take_back(self, slot: int, work: SampleWork) -> None:
        if work in self._at.get(slot, ()):
            self._at[slot].discard(work)
            self._changed(slot, -1)

    def _changed(self, slot: int, by: int) -> None:
        """A worker's load is another by one."""
        if slot not in self._open:
            return
        self._open_load += by
        if self.load(slot) < self._cap:
            heappush(self._ranked, (self.load(slot), slot))
        if len(self._ranked) > OUTDATED * len(self._open) + 1:
            self._rank_anew()

    def _rank_anew(self) -> None:
        self._ranked = [(self.load(slot), slot) for slot in self._open]
        heapify(self._ranked)

    def _least_loaded(self) -> int | None:
        """The next worker to be given something, or None where all are full."""
        while self._ranked:
            load, slot = self._ranked[0]
            if slot in self._open and load == self.load(slot):
                return slot if load < self._cap else None
            heappop(self._ranked)
        return None
