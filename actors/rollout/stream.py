"""Rollouts that go on while others train: an elastic fleet of workers behind one future per group.

Role: implements ``psyche_rl.loops.protocols.StreamedRollouts``. A thread of its own (the pump) takes what
workers hand out, looks after them, and gives out what is queued.
Collaborators: ``crew`` (processes), ``upkeep`` (their health and number), ``psyche_rl.rollout.orders`` (who
has what, and which groups are whole), ``board`` (users).
Invariants:
- Only a worker that has proved version and checksum is given work.
- Futures are resolved outside the lock, so that what hangs on them may call back.
- What ends the pump is raised by every later call, and by every future that is open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ray

from actors.rollout.board import RunSide
from actors.rollout.crew import Crew, WorkerAnswer
from actors.rollout.upkeep import Upkeep
from psyche_rl.errors import RemoteWaitError
from psyche_rl.fleet.fleet import Fleet
from psyche_rl.fleet.health import Patience
from psyche_rl.fleet.sizing import Scaling
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights
from psyche_rl.rollout.orders import Orders, Resolved
from psyche_rl.timeline.lane import LaneSpan
from psyche_rl.weights.transport import hex_digits

POLL_S = 0.2
"""How often the pump looks around where nothing comes."""


class RolloutStream:
    """Also a context manager: start, stop.

    Args:
        new_worker: starts a worker whose weights are known as the version given.
        scaling: how many workers there should be.
        cap: samples that a worker may have at a time, best what its engine runs side by side.
        checked: whether a version is proved by checksum.
        board: where users see the fleet, and what they say is heard; None for a fleet without.
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
        board: RunSide | None = None,
    ) -> None:
        self._new_worker, self._end_worker, self._scaling = new_worker, end_worker, scaling
        self._checked, self.board = checked, board
        self._wait_s, self._room, self._say = wait_s, room, say
        self._patience = patience or Patience(wait_s, wait_s, wait_s, wait_s)
        self._orders = Orders(cap, ledger)
        self._changed = threading.Condition(threading.RLock())
        self._broken: BaseException | None = None
        self._stopped = self._gathering = False
        self._when_free: Callable[[], None] = lambda: None

    # -- its life ------------------------------------------------------------------------------
    def start(self, version: int = 0) -> None:
        """Start workers on the weights of their model folder, known as ``version``; returns when one serves.

        Raises:
            ModelError: the folder cannot be served.
            RemoteWaitError: no worker came up.
        """
        self._crew = Crew(Fleet(version), self._new_worker, self._end_worker)
        upkept = self._crew, self._orders.dispatcher, self._scaling, self._patience
        self._upkeep = Upkeep(*upkept, self._room, self._say, self.board)
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
            group = self._orders.submit(request, counted)
            if not self._gathering:
                self._dispatch()
            return group.future

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is submitted within goes out at its end, as one call to each worker; calls hold up engines."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            with self._changed:
                if self._broken is None:
                    self._dispatch()

    @contextmanager
    def unfinished(self) -> Iterator[Mapping[str, int]]:
        """Response tokens that there are of each group whose future is open; none comes or goes within."""
        with self._changed:
            yield self._orders.tokens()

    @property
    def free(self) -> int:
        """Samples that workers could begin at once."""
        with self._changed:
            return self._orders.dispatcher.free

    def when_free(self, act: Callable[[], None]) -> None:
        """From now on call ``act``, which raises nothing, whenever workers could begin samples."""
        self._when_free = act

    def generate(
        self, requests: Sequence[GenerationRequest], version: int, counted: bool = False
    ) -> list[list[Sample]]:
        """All samples of these requests, all at weight ``version``, beside whatever is under way.

        Raises:
            RemoteWaitError: they did not come in time.
        """
        futures = [self.submit(request, counted) for request in requests]
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
            if broken := self._crew.end_publish():
                self._say("rollout: workers lost within a publish", version=version, workers=len(broken))
            proved = [s.served for s in self._crew.fleet.slots if s.served and s.served.version == version]
            return hex_digits(proved[0].checksum if proved else None)

    # -- to see --------------------------------------------------------------------------------
    def metrics(self) -> Mapping[str, float]:
        """``workers/<state>`` for every state but gone, replacements, and shares of time."""
        with self._changed:
            return self._upkeep.metrics()

    def lanes(self) -> list[LaneSpan]:
        """What workers told of their time since the last call."""
        with self._changed:
            told, self._crew.lanes = self._crew.lanes, []
            return told

    def up(self) -> tuple[int, int]:
        """How many workers take work, and how many there are to be; (0, 0) before :meth:`start`."""
        with self._changed:
            if not hasattr(self, "_crew"):
                return 0, 0
            return len(self._crew.fleet.takes_work), len(self._crew.fleet.staying)

    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that have loaded (on their own nodes)."""
        with self._changed:
            return tuple(self._crew.pids.values())

    def scale(self, workers: int | None) -> str:
        """A user wants so many workers from now on, or as the policy says; returns what holds, in words."""
        with self._changed:
            return self._upkeep.ask(workers)

    @property
    def asked(self) -> int | None:
        """What a user has asked for, and has not taken back."""
        return self._scaling.asked

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
                if self.free > 0:
                    self._when_free()
        except BaseException as error:  # whatever it is, nobody else would see it
            self._break(error)

    def _heed(self, answers: Sequence[WorkerAnswer]) -> Resolved:
        deliveries, losses = self._crew.heed(answers)
        resolved, lost = Resolved(), dict(losses)
        for slot, delivery in deliveries:
            whole, wrong = self._orders.take(slot, delivery)
            resolved += whole
            if wrong is not None:
                lost.setdefault(slot, wrong)
        for slot, why in lost.items():
            resolved += self._lose(slot, why)
        return resolved

    def _lose(self, slot: int, why: str) -> Resolved:
        self._say("rollout: worker lost", worker=slot, why=why)
        self._crew.lose(slot, why)
        resolved, aborts = self._orders.lost(slot)
        for other, keys in aborts.items():
            self._crew.abort(other, keys)
        return resolved

    def _dispatch(self) -> None:
        for slot, orders in self._orders.assign(self._crew.fleet.takes_work).items():
            if self._orders.dispatcher.load(slot) == len(orders):
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
            groups = self._orders.close()
            self._changed.notify_all()
        for group in groups:
            group.future.set_exception(error)

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import StreamedRollouts

    _: type[StreamedRollouts] = RolloutStream
