"""Rollouts that go on while others train: an elastic fleet of workers behind one future per group.

Role: implements ``psyche_rl.loops.protocols.StreamedRollouts``. A thread of its own (the pump) takes what
workers hand out, looks after them, and gives out what is queued.
Collaborators: ``crew`` (processes), ``upkeep`` (their health and number), ``psyche_rl.fleet`` (who may take
work, who gets what), the ledger (told of every sample by the worker that made it).
Invariants:
- Only a worker that has proved version and checksum is given work.
- Work of a lost worker is given out again; each sample is used once, and a group is completed from what
  survived.
- Futures are resolved outside the lock, so that what hangs on them may call back.
- What ends the pump is raised by every later call, and by every future that is open.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import ray

from actors.rollout.crew import Answer, Crew
from actors.rollout.upkeep import Upkeep
from psyche_rl.errors import RemoteWaitError
from psyche_rl.fleet.dispatch import Dispatcher, SampleWork
from psyche_rl.fleet.fleet import Fleet
from psyche_rl.fleet.health import Patience
from psyche_rl.fleet.scaling import Scaling
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights
from psyche_rl.rollout.streaming import Delivery, GroupGivenUpError, SampleOrder

POLL_S = 0.2
"""How often the pump looks around where nothing comes."""
Resolved = list[Callable[[], None]]


@dataclass
class _Open:
    """A group that is not complete yet."""

    request: GenerationRequest
    counted: bool
    future: Future[tuple[Sample, ...]] = field(default_factory=Future)
    samples: dict[int, Sample] = field(default_factory=dict)
    attempts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))


class RolloutStream:
    """Also a context manager: start, stop.

    Args:
        new_worker: starts a worker whose weights are known as the version given.
        scaling: how many workers there should be.
        cap: samples that a worker may have at a time, best what its engine runs side by side.
        checked: whether a version is proved by checksum.
        wait_s: deadline of each wait, in seconds; ``patience`` says what else holds for a worker.
    """

    def __init__(
        self,
        new_worker: Callable[[int], Any],
        scaling: Scaling,
        *,
        ledger: Ledger,
        cap: int = 256,
        wait_s: float = 600.0,
        patience: Patience | None = None,
        room: Callable[[], int | None] = lambda: None,
        say: Callable[..., None] = lambda *_, **__: None,
        end_worker: Callable[[Any], None] = ray.kill,
        checked: Callable[[int], bool] = lambda version: True,
    ) -> None:
        self._new_worker, self._end_worker, self._scaling = new_worker, end_worker, scaling
        self._checked = checked
        self._ledger, self._wait_s, self._room, self._say = ledger, wait_s, room, say
        self._patience = patience or Patience(wait_s, wait_s, wait_s, wait_s)
        self._dispatcher = Dispatcher(cap)
        self._groups: dict[str, _Open] = {}
        self._orders: dict[int, tuple[int, SampleWork, int]] = {}
        """Of each key: the worker, the work, and the attempt."""
        self._keys = count()
        self._serving: tuple[int, ...] = ()
        self._changed = threading.Condition(threading.RLock())
        self._broken: BaseException | None = None
        self._stopped = False

    # -- its life ------------------------------------------------------------------------------
    def start(self, version: int = 0) -> None:
        """Start workers on the weights of their model folder, known as ``version``; returns when one serves.

        Raises:
            ModelError: the folder cannot be served.
            RemoteWaitError: no worker came up.
        """
        self._crew = Crew(Fleet(version), self._new_worker, self._end_worker)
        self._upkeep = Upkeep(
            self._crew, self._dispatcher, self._scaling, self._patience, self._room, self._say
        )
        self._upkeep.scale()
        self._pump = threading.Thread(target=self._run, name="rollout pump", daemon=True)
        self._pump.start()
        self._wait_until(lambda: bool(self._crew.fleet.takes_work), "start")

    def stop(self) -> None:
        """End all workers; harmless if already stopped."""
        with self._changed:
            self._stopped = True
        if hasattr(self, "_pump"):
            self._pump.join()
            self._crew.end_all()

    def __enter__(self) -> RolloutStream:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    # -- samples -------------------------------------------------------------------------------
    def submit(self, request: GenerationRequest, counted: bool = True) -> Future[tuple[Sample, ...]]:
        """Have the ``n`` samples of a request generated; ``counted``: the ledger is told of them.

        The future raises GroupGivenUpError where workers keep dying at the group.
        """
        with self._changed:
            self._raise_broken()
            group = self._groups[request.id] = _Open(request, counted)
            self._dispatcher.submit(request.id, request.n)
            self._dispatch()
            return group.future

    @property
    def free(self) -> int:
        """Samples that workers could begin at once."""
        with self._changed:
            return self._dispatcher.free

    def generate(self, requests: Sequence[GenerationRequest], version: int) -> list[list[Sample]]:
        """All samples of these requests, all at weight ``version``, beside whatever is under way.

        Raises:
            RemoteWaitError: they did not come in time.
        """
        futures = [self.submit(request, counted=False) for request in requests]
        deadline = time.monotonic() + self._wait_s
        try:
            return [list(future.result(max(0.0, deadline - time.monotonic()))) for future in futures]
        except TimeoutError:
            why = f"no answer within {self._wait_s:.0f} s"
            raise RemoteWaitError("rollouts", "generate", version, why) from None

    def waited(self, seconds: float) -> None:
        """The learner had nothing to do for so long."""
        with self._changed:
            self._upkeep.learner_waited(seconds)

    # -- weights -------------------------------------------------------------------------------
    def publish(self, weights: ray.ObjectRef | Weights, version: int, checksum: int | None = None) -> str:
        """Serve ``weights`` as ``version``; what is under way goes on under them, its KV recomputed.

        Returns when every worker that was there has proved them; returns their checksum.

        Raises:
            WeightSyncError: a worker serves other weights.
            RemoteWaitError: workers keep dying.
        """
        ref = weights if isinstance(weights, ray.ObjectRef) else ray.put(dict(weights))
        with self._changed:
            self._raise_broken()
            self._crew.publish(ref, version, checksum, self._checked(version))
            self._wait_until(lambda: not self._crew.fleet.pending, "publish")
            self._crew.end_publish()
            proved = [s.served for s in self._crew.fleet.slots if s.served and s.served.version == version]
            return f"{proved[0].checksum:016x}" if proved and proved[0].checksum is not None else ""

    # -- to see --------------------------------------------------------------------------------
    def metrics(self) -> Mapping[str, float]:
        """``workers/<state>`` for every state but gone, replacements, and shares of time."""
        with self._changed:
            return self._upkeep.metrics()

    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that have loaded (on their own nodes)."""
        with self._changed:
            return tuple(self._crew.pids.values())

    def scale(self, workers: int | None) -> str:
        """A user wants so many workers from now on, or as the policy says; returns what holds, in words."""
        with self._changed:
            return self._upkeep.ask(workers)

    # -- the pump ------------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            while not self._stopped:
                answers = self._crew.answers(POLL_S)
                with self._changed:
                    resolved = self._heed(answers)
                    for slot, why in self._upkeep.turn():
                        resolved += self._lose(slot, why)
                    self._dispatch()
                    self._changed.notify_all()
                for resolve in resolved:
                    resolve()
        except BaseException as error:  # whatever it is, nobody else would see it
            self._break(error)

    def _heed(self, answers: Sequence[Answer]) -> Resolved:
        deliveries, lost = self._crew.heed(answers)
        resolved: Resolved = []
        for slot, delivery in deliveries:
            resolved += self._take(slot, delivery)
        for slot, why in lost:
            resolved += self._lose(slot, why)
        return resolved

    def _take(self, slot: int, delivery: Delivery) -> Resolved:
        resolved: Resolved = []
        for key, sample in delivery.samples:
            _, work, attempt = self._orders.pop(key, (slot, None, 0))
            if work is None or not self._dispatcher.completed(slot, work):
                continue  # nobody wants it any more
            group = self._groups[work.group]
            group.samples[work.index] = sample
            if group.counted:
                self._ledger.generated([sample], str(slot), attempt)
            if len(group.samples) == group.request.n:
                del self._groups[work.group]
                samples = tuple(group.samples[i] for i in range(group.request.n))
                resolved.append(partial(group.future.set_result, samples))
        return resolved

    def _lose(self, slot: int, why: str) -> Resolved:
        self._say("rollout: worker lost", worker=slot, why=why)
        self._crew.lose(slot, why)
        orders = {key: of for key, of in self._orders.items() if of[0] == slot}
        for key, (_, work, _) in orders.items():
            del self._orders[key]
            if work.group in self._groups and self._groups[work.group].counted:
                self._ledger.lost(work.group, {f"{work.group}/{work.index}": 0}, str(slot))
        hopeless = self._dispatcher.lost(slot).hopeless
        resolved = [self._give_up(name) for name in hopeless]
        self._serving = ()  # the dispatcher has closed it; to be told anew
        return resolved

    def _give_up(self, name: str) -> Callable[[], None]:
        group = self._groups.pop(name)
        for send in self._dispatcher.forget(name):
            keys = [
                key for key, (slot, work, _) in self._orders.items() if (slot, work) == (send.slot, send.work)
            ]
            for key in keys:
                del self._orders[key]
            self._crew.abort(send.slot, keys)
        error = GroupGivenUpError(name, {s.id: len(s.response_ids) for s in group.samples.values()})
        return partial(group.future.set_exception, error)

    def _dispatch(self) -> None:
        if (serving := self._crew.fleet.takes_work) != self._serving:
            self._serving = serving
            self._dispatcher.serving(serving)
        by_slot: dict[int, list[SampleOrder]] = {}
        for send in self._dispatcher.assign():
            group = self._groups[send.work.group]
            group.attempts[send.work.index] += 1
            key, attempt = next(self._keys), group.attempts[send.work.index]
            self._orders[key] = send.slot, send.work, attempt
            order = SampleOrder(key, group.request, send.work.index, attempt)
            by_slot.setdefault(send.slot, []).append(order)
        for slot, orders in by_slot.items():
            if self._dispatcher.load(slot) == len(orders):
                self._crew.fleet.given_work(slot, time.monotonic())
            self._crew.send(slot, orders)

    # -- inside --------------------------------------------------------------------------------
    def _wait_until(self, holds: Callable[[], bool], phase: str) -> None:
        with self._changed:
            deadline = time.monotonic() + 2 * self._wait_s  # each worker has its own, shorter one
            while not holds():
                self._raise_broken()
                if time.monotonic() > deadline:
                    why = f"no answer within {2 * self._wait_s:.0f} s"
                    raise RemoteWaitError("rollouts", phase, self._crew.fleet.version, why)
                self._changed.wait(POLL_S)
            self._raise_broken()

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = error
            groups, self._groups = list(self._groups.values()), {}
            self._changed.notify_all()
        for group in groups:
            group.future.set_exception(error)

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import StreamedRollouts

    _: type[StreamedRollouts] = RolloutStream
