"""The processes behind a fleet: started, synced, asked for samples and ended as the fleet says.

Role: the shell of ``psyche_rl.fleet.fleet`` around Ray. It holds the actors and every answer that is waited
for, and turns answers into the fleet's events.
Collaborators: ``stream`` calls it, under its lock where the state changes; ``worker`` is the remote end.
Invariants:
- An answer of a worker that is gone is never looked at.
- An error of Ray is the loss of one worker. One of ours (a model that cannot be served, weights that do not
  fit) would befall every worker, and is raised.
- Workers that are lost one after another, with no sample in between, have a cause that replacing does not
  cure: the last loss is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Literal

import ray
from ray.exceptions import ObjectLostError, RayTaskError

from actors.waits import first_line, lost, raised
from psyche_rl.errors import PsycheError, RemoteWaitError
from psyche_rl.fleet.fleet import Fleet
from psyche_rl.fleet.slot import Served, SlotState
from psyche_rl.rollout.streaming import Delivery, SampleOrder
from psyche_rl.timeline.lane import LaneSpan, of_worker

COLLECT_S = 1.0
"""A worker that has nothing to hand out says so after this time, which is its sign of life."""
LOSSES_IN_A_ROW = 8
"""More than one group costs that kills its workers (``fleet.dispatcher``)."""

Kind = Literal["place", "load", "sync", "collect", "work"]


@dataclass(frozen=True)
class WorkerAnswer:
    """What came for a question: a value, or why there is none."""

    slot: int
    kind: Kind
    value: Any = None
    error: Exception | None = None


class Crew:
    """Nobody yet. ``new_worker`` starts an actor whose weights are known as the version given."""

    def __init__(
        self, fleet: Fleet, new_worker: Callable[[int], Any], end_worker: Callable[[Any], None] = ray.kill
    ) -> None:
        self.fleet = fleet
        self._new_worker, self._end_worker = new_worker, end_worker
        self._actors: dict[int, Any] = {}
        self._asked: dict[Future[Any], tuple[int, Kind]] = {}
        self._come: SimpleQueue[Future[Any]] = SimpleQueue()
        """As Ray's own thread brings them: an answer to what was asked a moment ago wakes whoever waits."""
        self._weights: ray.ObjectRef | None = None
        self._checked = True
        self._losses = 0
        self.pids: dict[int, int] = {}
        self.lanes: list[LaneSpan] = []
        """What workers told of their time, to be taken away by whoever keeps it."""

    # -- what is asked -------------------------------------------------------------------------
    def join(self, count: int) -> None:
        """Start workers, as soon as the fleet lets them in."""
        for slot in self.fleet.join(time.monotonic(), count):
            actor = self._actors[slot.id] = self._new_worker(self.fleet.version)
            self._ask(slot.id, "place", actor.node.remote())
            self._ask(slot.id, "load", actor.load.remote())

    def publish(
        self, weights: ray.ObjectRef, version: int, checksum: int | None, checked: bool = True
    ) -> None:
        """Have every member serve ``weights``; the fleet's ``pending`` says who has not proved them yet."""
        members = self.fleet.begin_publish(version, time.monotonic(), checksum)
        self._weights, self._checked = weights, checked
        self._sync(members)

    def end_publish(self) -> tuple[int, ...]:
        """Let those come and go who asked meanwhile; returns who was lost within it."""
        ended = self.fleet.end_publish()
        self.join(ended.joins)
        for slot, why in ended.drains:
            self.fleet.drain(slot, time.monotonic(), why)
        return ended.broken

    def sync_joiners(self) -> None:
        """Have those that loaded since the last publish pull the current weights."""
        under_way = {slot for slot, kind in self._asked.values() if kind == "sync"}
        self._sync(slot for slot in self.fleet.to_sync if slot not in under_way)

    def send(self, slot: int, orders: Sequence[SampleOrder]) -> None:
        """Give a worker samples to generate."""
        self._ask(slot, "work", self._actors[slot].submit.remote(orders))

    def abort(self, slot: int, keys: Sequence[int]) -> None:
        """Have a worker forget samples."""
        if slot in self._actors:
            self._ask(slot, "work", self._actors[slot].abort.remote(keys))

    def end(self, slot: int) -> None:
        """End a worker's process; what it was asked is forgotten."""
        self._asked = {asked: (of, kind) for asked, (of, kind) in self._asked.items() if of != slot}
        self.pids.pop(slot, None)
        if (actor := self._actors.pop(slot, None)) is not None:
            self._end_worker(actor)

    def end_all(self) -> None:
        """End every process."""
        for slot in list(self._actors):
            self.end(slot)

    # -- what comes back -----------------------------------------------------------------------
    def answers(self, wait_s: float) -> list[WorkerAnswer]:
        """What has come, waited for where nothing has. Changes nothing; needs no lock."""
        try:
            come = [self._come.get(timeout=wait_s)]
        except Empty:
            return []
        come += [self._come.get() for _ in range(self._come.qsize())]
        return [answer for future in come if (answer := self._answer(future)) is not None]

    def heed(
        self, answers: Sequence[WorkerAnswer]
    ) -> tuple[list[tuple[int, Delivery]], list[tuple[int, str]]]:
        """Tell the fleet; returns the samples that came, and who is lost and why.

        Raises:
            PsycheError: what would befall every worker.
        """
        deliveries: list[tuple[int, Delivery]] = []
        lost: dict[int, str] = {}  # a worker that dies leaves several questions without an answer
        for answer in answers:
            if answer.slot not in self._actors or answer.slot in lost:
                continue
            if answer.error is not None:
                lost[answer.slot] = self._why(answer)
                continue
            self._told(answer)
            if answer.kind == "collect":
                deliveries.append((answer.slot, answer.value))
        return deliveries, list(lost.items())

    def lose(self, slot: int, why: str) -> None:
        """A worker is gone, or is given up.

        Raises:
            RemoteWaitError: too many in a row.
        """
        self.fleet.lost(slot, time.monotonic(), why)
        self.end(slot)
        self._losses += 1
        if self._losses >= LOSSES_IN_A_ROW:
            why = f"{self._losses} workers were lost one after another; the last: {why}"
            raise RemoteWaitError(f"rollout worker {slot}", "generate", self.fleet.version, why)

    # -- inside --------------------------------------------------------------------------------
    def _ask(self, slot: int, kind: Kind, ref: Any) -> None:
        future = ref.future()
        self._asked[future] = slot, kind
        future.add_done_callback(self._come.put)

    def _sync(self, slots: Iterable[int]) -> None:
        for slot in slots:
            update = self._actors[slot].update_weights.remote(
                self._weights, self.fleet.version, checked=self._checked
            )
            self._ask(slot, "sync", update)

    def _answer(self, future: Future[Any]) -> WorkerAnswer | None:
        asked = self._asked.pop(future, None)
        if asked is None:
            return None  # its worker was ended meanwhile
        try:
            return WorkerAnswer(*asked, value=future.result())
        except Exception as error:  # told apart in ``heed``
            return WorkerAnswer(*asked, error=error)

    def _why(self, answer: WorkerAnswer) -> str:
        error = answer.error
        if error is None:
            raise TypeError(f"{answer.kind} of a worker has a value and no error")
        if isinstance(cause := raised(error), PsycheError):
            raise cause
        if isinstance(cause, ObjectLostError) and answer.kind == "sync":
            why = f"the published weights are lost: {first_line(cause)}"
            raise RemoteWaitError("learner 0", "publish weights", self.fleet.version, why)
        if lost(error) is None and not isinstance(error, RayTaskError):
            raise error  # of this process
        return f"{answer.kind}: {lost(error) or first_line(cause)}"

    def _told(self, answer: WorkerAnswer) -> None:
        slot, now = answer.slot, time.monotonic()
        state = self.fleet.slot(slot).state
        if answer.kind == "place" and state is SlotState.JOINING:
            self.fleet.placed(slot, now, answer.value)
        elif answer.kind == "load":
            if state is SlotState.JOINING:  # told of its model before it was told of its place
                self.fleet.placed(slot, now, "")
            self.fleet.loaded(slot, now)
            self.pids[slot] = answer.value.pid
            self._ask(slot, "collect", self._actors[slot].collect.remote(COLLECT_S))
            if self._weights is None:  # it serves the model folder's own
                self.fleet.proved(slot, Served(answer.value.version), now)
        elif answer.kind == "sync":
            self.lanes += of_worker(slot, answer.value.lane)
            proof = Served(answer.value.version, answer.value.checksum)
            if self.fleet.slot(slot).state is SlotState.SYNCING:
                self.fleet.proved(slot, proof, now)
        elif answer.kind == "collect":
            self._losses = 0 if answer.value.samples else self._losses
            self.lanes += of_worker(slot, answer.value.lane)
            self.fleet.progressed(slot, now, answer.value.steps)
            self._ask(slot, "collect", self._actors[slot].collect.remote(COLLECT_S))
