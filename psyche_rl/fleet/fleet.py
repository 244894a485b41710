"""The workers of a run: who may take work, who must be synced, who may come and go when.

Role: a pure state machine that holds the slots. The rollout pool tells it what happens, each time with the
time, and carries out what it says.
Collaborators: ``slot`` (a worker's life), ``health`` (who is silent or lost), ``sizing`` (how many).

A publish is the time between :meth:`Fleet.begin_publish` and :meth:`Fleet.end_publish`.

Invariants:

- Only a worker that has proved the fleet's version and checksum takes work.
- Versions do not go backwards.
- Membership does not change within a publish. Who is asked to join or to leave meanwhile is held back, and
  told by ``end_publish``. A collective therefore spans the members that it began with.
- A member that is lost within a publish is waited for no longer; ``end_publish`` says that it broke.
- A worker that has loaded within a publish is no member of it: it pulls the weights by itself afterwards.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from psyche_rl.errors import WeightSyncError
from psyche_rl.fleet.slot import MEMBERS, Served, Slot, SlotState


@dataclass(frozen=True)
class Ended:
    """What a publish leaves to be done."""

    joins: int = 0
    """Workers that were asked for meanwhile."""
    drains: tuple[tuple[int, str], ...] = ()
    """Workers, with the reason, that were asked to leave meanwhile and are there still."""
    broken: tuple[int, ...] = ()
    """Members that were lost in it; a collective is to be formed anew without them."""


@dataclass
class _Publish:
    members: tuple[int, ...]
    joins: int = 0
    drains: dict[int, str] = field(default_factory=dict)


class Fleet:
    """No workers yet. Without ``checksum`` the first proof of the weights states it."""

    def __init__(self, version: int, checksum: int | None = None) -> None:
        self._slots: dict[int, Slot] = {}
        self._version = version
        self._wanted = None if checksum is None else Served(version, checksum)
        self._publish: _Publish | None = None

    @property
    def version(self) -> int:
        """Of the weights that every worker must serve."""
        return self._version

    @property
    def publishing(self) -> bool:
        """Whether membership is fixed at the moment."""
        return self._publish is not None

    def slot(self, id: int) -> Slot:
        """A worker, gone ones too."""
        return self._slots[id]

    # Who comes and goes.

    def join(self, now: float, count: int = 1) -> tuple[Slot, ...]:
        """Workers to start; none within a publish, which returns the number at its end."""
        if self._publish:
            self._publish.joins += count
            return ()
        made = tuple(Slot.joining(len(self._slots) + i, now) for i in range(count))
        self._slots.update((slot.id, slot) for slot in made)
        return made

    def drain(self, id: int, now: float, why: str) -> bool:
        """Ask a worker to leave when it has finished; returns False within a publish, whose end names it."""
        if self._publish:
            self._publish.drains.setdefault(id, why)
            return False
        self._slots[id] = self.slot(id).drain(now, why)
        return True

    def lost(self, id: int, now: float, why: str) -> None:
        """A worker has ended; this waits for no publish."""
        self._slots[id] = self.slot(id).lost(now, why)

    def placed(self, id: int, now: float, node: str) -> None:
        """A joiner's process runs."""
        self._slots[id] = self.slot(id).placed(now, node)

    def loaded(self, id: int, now: float) -> None:
        """A joiner's engine answers, and is to be synced."""
        self._slots[id] = self.slot(id).loaded(now)

    def drained(self, id: int, now: float) -> None:
        """A worker that was to leave has finished what it had."""
        self._slots[id] = self.slot(id).drained(now)

    # How they do.

    def given_work(self, id: int, now: float) -> None:
        """A worker that had no work has some."""
        self._slots[id] = self.slot(id).given_work(now)

    def progressed(self, id: int, now: float, tokens: int) -> None:
        """A worker has generated ``tokens`` since it started; reports of those that are gone come late."""
        if self.slot(id).state is not SlotState.GONE:
            self._slots[id] = self.slot(id).progressed(now, tokens)

    def silent(self, id: int, now: float) -> None:
        """A worker with work shows no progress, and gets no more until it does."""
        self._slots[id] = self.slot(id).silent(now)

    # What is served.

    def begin_publish(self, version: int, now: float, checksum: int | None = None) -> tuple[int, ...]:
        """Weights that all are to serve; returns the members, which take no work until they have proved them.

        Without ``checksum`` the first proof states it and the others must agree.

        Raises:
            WeightSyncError: a publish is on, or the version goes backwards.
        """
        if self._publish:
            raise WeightSyncError(f"version {version} is published while version {self._version} still is")
        if version < self._version:
            raise WeightSyncError(f"version {version} is published after version {self._version}")
        self._version, self._wanted = version, None if checksum is None else Served(version, checksum)
        self._slots = {id: slot.published(now) for id, slot in self._slots.items()}
        self._publish = _Publish(self._of(*MEMBERS))
        return self._publish.members

    def proved(self, id: int, proof: Served, now: float) -> bool:
        """A worker has taken weights; returns whether it serves, and takes work, from now on.

        Raises:
            WeightSyncError: it serves other weights than were published.
        """
        states = self._wanted is None and proof.version == self._version
        wanted = proof if states else self._wanted or Served(self._version)
        self._slots[id] = self.slot(id).proved(now, proof, wanted)
        self._wanted = wanted if states else self._wanted
        return self.slot(id).state is SlotState.SERVING

    @property
    def pending(self) -> tuple[int, ...]:
        """Members of the publish that have not proved its weights yet."""
        members = self._publish.members if self._publish else ()
        return tuple(id for id in members if self.slot(id).state is SlotState.SYNCING)

    def end_publish(self) -> Ended:
        """Membership may change again; members still pending take no work, and are to be synced one by one.

        Raises:
            WeightSyncError: no publish is on.
        """
        if not self._publish:
            raise WeightSyncError("a publish ends that never began")
        ended, self._publish = self._publish, None
        gone = {id for id, slot in self._slots.items() if slot.state is SlotState.GONE}
        drains = tuple((id, why) for id, why in ended.drains.items() if id not in gone)
        return Ended(ended.joins, drains, tuple(id for id in ended.members if id in gone))

    # What there is to do, and to see.

    @property
    def takes_work(self) -> tuple[int, ...]:
        """Workers that may be given work."""
        return self._of(SlotState.SERVING)

    @property
    def to_sync(self) -> tuple[int, ...]:
        """Workers that are to pull the current weights by themselves."""
        within = self._publish.members if self._publish else ()
        return tuple(id for id in self._of(SlotState.SYNCING) if id not in within)

    @property
    def staying(self) -> tuple[int, ...]:
        """Workers that count for the size of the fleet: all but those that leave or have left."""
        return self._of(SlotState.JOINING, SlotState.LOADING, *MEMBERS)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All workers that there were, oldest first."""
        return tuple(self._slots.values())

    def counts(self) -> dict[str, int]:
        """Workers by state, every state named."""
        found = Counter(slot.state for slot in self._slots.values())
        return {state.value: found[state] for state in SlotState}

    def surplus(self, target: int) -> tuple[int, ...]:
        """Whom to drain so that ``target`` stay: first those that are not there yet, of them the newest."""
        order = (
            SlotState.JOINING,
            SlotState.LOADING,
            SlotState.SYNCING,
            SlotState.SUSPECT,
            SlotState.SERVING,
        )
        ranked = sorted(self.staying, key=lambda id: (order.index(self.slot(id).state), -id))
        return tuple(ranked[: max(0, len(ranked) - target)])

    def _of(self, *states: SlotState) -> tuple[int, ...]:
        return tuple(id for id, slot in self._slots.items() if slot.state in states)
