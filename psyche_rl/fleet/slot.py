"""The life of one worker of the fleet.

Role: a frozen :class:`Slot`, and its transitions: an event in, the next Slot out. Pure; ``fleet`` holds the
slots, ``health`` says which of them are silent.

    joining -> loading -> syncing <-> serving -> draining -> gone
                                         ^|
                                         |v
                                       suspect

Every state may end in gone. What does not exist, and why:

- Nothing leads to serving but a proof of the fleet's version and checksum; suspect returns to it because no
  publish lies in between, which would have led to syncing. An engine that answers may still hold the weights
  that it started with, and what it generates looks like any other sample.
- No version goes backwards: an engine that proves less than it has proved was restarted behind our back.
- Nothing leads out of gone, and ids are never used again. A process that comes back is a new worker that has
  to prove itself, and no message of the old one can be taken for its own.
- Nothing leads out of draining but gone: its node is leaving, or the fleet has counted it out.
- No joiner, loading or syncing worker is suspect: they take no work that would have to be kept from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from psyche_rl.errors import WeightSyncError

GAP_SMOOTHING = 0.2
"""Weight of the newest gap in a worker's usual one: a habit of about five reports."""


class SlotState(Enum):
    """Where a worker is in its life."""

    JOINING = "joining"
    """Asked for, without a place in the cluster yet."""
    LOADING = "loading"
    SYNCING = "syncing"
    """Loaded, but not proved to serve the fleet's weights; requests given out before may go on."""
    SERVING = "serving"
    SUSPECT = "suspect"
    """Serving, but silent for unusually long: gets no new work."""
    DRAINING = "draining"
    """Finishes what it has."""
    GONE = "gone"


MEMBERS = (SlotState.SYNCING, SlotState.SERVING, SlotState.SUSPECT)
"""States of the workers that a publish reaches."""


class IllegalTransitionError(RuntimeError):
    """An event that cannot happen to a worker in its state: a defect of who reports it."""

    def __init__(self, slot: Slot, event: str) -> None:
        super().__init__(f"worker {slot.id} is {slot.state.value}, so '{event}' cannot happen to it")


@dataclass(frozen=True)
class Served:
    """Weights, as they are published or proved. ``checksum`` is None where none is taken."""

    version: int
    checksum: int | None = None


@dataclass(frozen=True)
class WorkerProgress:
    """What a worker has done. Times are in seconds of any clock."""

    at: float
    """When it was last seen to do something, or was given work while it had none."""
    tokens: int = 0
    """Generated since it started."""
    gap_s: float = 0.0
    """Its usual time between two signs of progress; 0 before the second."""


@dataclass(frozen=True)
class Slot:
    """One worker. ``since`` is when it came into its state; ``node`` is None until it has a place."""

    id: int
    state: SlotState
    since: float
    progress: WorkerProgress
    node: str | None = None
    served: Served | None = None
    """The newest weights it has proved."""
    why: str = ""
    """Of draining and gone: the reason."""

    @classmethod
    def joining(cls, id: int, now: float) -> Slot:
        """A worker that was asked for."""
        return cls(id, SlotState.JOINING, now, WorkerProgress(now))

    def placed(self, now: float, node: str) -> Slot:
        """Its process runs, and loads its model."""
        self._expect("placed", SlotState.JOINING)
        return replace(self, state=SlotState.LOADING, since=now, node=node)

    def loaded(self, now: float) -> Slot:
        """Its engine answers, with weights that say nothing yet."""
        self._expect("loaded", SlotState.LOADING)
        return replace(self, state=SlotState.SYNCING, since=now)

    def published(self, now: float) -> Slot:
        """Other weights are to be served; those that take no part are left as they are.

        A worker that still owes the proof of the last ones keeps its ``since``, or one that hangs would be
        given new time by each publish.
        """
        if self.state not in {SlotState.SERVING, SlotState.SUSPECT}:
            return self
        return replace(self, state=SlotState.SYNCING, since=now)

    def proved(self, now: float, proof: Served, wanted: Served) -> Slot:
        """It has taken weights: serving if they are those ``wanted``; where those are newer, still syncing.

        Raises:
            WeightSyncError: the weights are others than were published, or older than it had before.
        """
        self._expect("proved", SlotState.SYNCING)
        before = -1 if self.served is None else self.served.version
        if not before <= proof.version <= wanted.version or (
            proof.version == wanted.version and proof.checksum != wanted.checksum
        ):
            raise WeightSyncError(
                f"rollout worker {self.id} serves version {proof.version} with checksum {proof.checksum}, "
                f"after version {before}; published were version {wanted.version} with checksum "
                f"{wanted.checksum}"
            )
        if proof.version < wanted.version:
            return replace(self, since=now, served=proof)
        progress = replace(self.progress, at=now)
        return replace(self, state=SlotState.SERVING, since=now, served=proof, progress=progress)

    def given_work(self, now: float) -> Slot:
        """It had no work and has some now, so that its silence counts from here."""
        self._expect("given work", SlotState.SERVING)
        return replace(self, progress=replace(self.progress, at=now))

    def progressed(self, now: float, tokens: int) -> Slot:
        """It has generated ``tokens`` since it started; the same number as before is no progress."""
        self._expect("progressed", *MEMBERS, SlotState.DRAINING)
        last = self.progress
        if tokens <= last.tokens:
            return self
        gap = now - last.at
        usual = gap if last.gap_s == 0 else last.gap_s + GAP_SMOOTHING * (gap - last.gap_s)
        seen = replace(self, progress=WorkerProgress(now, tokens, usual))
        if self.state is SlotState.SUSPECT:
            return replace(seen, state=SlotState.SERVING, since=now)
        return seen

    def silent(self, now: float) -> Slot:
        """It has work and shows no progress."""
        self._expect("silent", SlotState.SERVING, SlotState.SUSPECT)
        return self if self.state is SlotState.SUSPECT else replace(self, state=SlotState.SUSPECT, since=now)

    def drain(self, now: float, why: str) -> Slot:
        """It takes no more work and is to leave; before it has loaded there is nothing to finish."""
        if self.state in {SlotState.DRAINING, SlotState.GONE}:
            return self
        leaving = SlotState.DRAINING if self.state in MEMBERS else SlotState.GONE
        return replace(self, state=leaving, since=now, why=why)

    def drained(self, now: float) -> Slot:
        """It has finished what it had."""
        self._expect("drained", SlotState.DRAINING)
        return replace(self, state=SlotState.GONE, since=now)

    def lost(self, now: float, why: str) -> Slot:
        """It has ended or is cut off; told twice, by two who noticed, the first reason stays."""
        if self.state is SlotState.GONE:
            return self
        return replace(self, state=SlotState.GONE, since=now, why=why)

    def _expect(self, event: str, *states: SlotState) -> None:
        if self.state not in states:
            raise IllegalTransitionError(self, event)
