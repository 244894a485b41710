"""The thread that steps an engine, between other threads that bring work and take samples.

Role: keeps continuous batching full: requests come in and samples leave one by one. Weights are replaced, and
requests aborted, between two steps.
Collaborators: an engine (``actors.engines.vllm_engine``, or a fake); ``worker`` (the Ray actor around both).
Invariants:
- The engine is touched by this thread alone, its making included.
- All orders of one :meth:`EngineThread.submit` are queued before the next step.
- A sample is handed out once. What the engine raises while it steps comes out of every later call.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol, TypeVar

from actors.engines.transfer import Transfer
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import RolloutEngine
from psyche_rl.rollout.streaming import Delivery, SampleOrder
from psyche_rl.timeline.lane import LaneNotes, WorkerState

T = TypeVar("T")


class SteppedEngine(RolloutEngine, Protocol):
    """An engine that computes token by token."""

    def add(self, request: GenerationRequest, index: int) -> str:
        """Queue a sample; returns its name."""
        ...

    def step(self) -> dict[str, Sample]:
        """The next token of all that run; returns the samples that it finished, by name."""
        ...

    def abort(self, names: Iterable[str]) -> None:
        """Forget samples."""
        ...

    @property
    def busy(self) -> bool:
        """Whether samples are under way."""
        ...

    @property
    def recomputing(self) -> bool:
        """Whether the next step computes KV anew, of what ran when weights came."""
        ...

    def sleep(self, level: int) -> None:
        """Give memory back until the next update of the weights."""
        ...

    def meet_learner(self, init_info: dict[str, Any]) -> None:
        """Agree on a direct way for weights."""
        ...

    def receive_weights(self, transfer: Transfer, version: int) -> int | None:
        """Serve the weights that come by it; returns their checksum, if asked for."""
        ...


class _Call(NamedTuple):
    act: Callable[[SteppedEngine], Any]
    future: Future[Any]
    when_idle: bool
    lane: WorkerState | None


class EngineThread:
    """Starts at once; ``make`` makes the engine, in the thread."""

    def __init__(self, make: Callable[[], SteppedEngine]) -> None:
        self._make = make
        lock = threading.RLock()
        self._changed, self._drained = threading.Condition(lock), threading.Condition(lock)
        """``_drained``: nothing is under way any more. Whoever lingers is not woken by each sample: threads
        that wake take the interpreter from the engine."""
        self._calls: deque[_Call] = deque()
        self._done: list[tuple[int, Sample]] = []
        self._keys: dict[str, int] = {}
        self._broken: BaseException | None = None
        self._steps = self._handed_out = 0
        self.lane = LaneNotes("load")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def call(
        self, act: Callable[[SteppedEngine], T], when_idle: bool = False, lane: WorkerState | None = None
    ) -> T:
        """Have ``act`` done to the engine between two steps; returns what it returns, raises what it raises.

        Args:
            when_idle: what is under way is finished first; what is called after it waits behind it.
            lane: what the timeline calls it; None for what takes no time.
        """
        return self.ask(act, when_idle, lane).result()

    def ask(
        self, act: Callable[[SteppedEngine], T], when_idle: bool = False, lane: WorkerState | None = None
    ) -> Future[T]:
        """As :meth:`call`, not waited for."""
        future: Future[T] = Future()
        with self._changed:
            self._raise_broken()
            self._calls.append(_Call(act, future, when_idle, lane))
            self._changed.notify_all()
        return future

    def submit(self, orders: Sequence[SampleOrder]) -> None:
        """Queue samples."""

        def add(engine: SteppedEngine) -> None:
            for order in orders:
                self._keys[engine.add(order.request, order.index)] = order.key

        self.call(add)

    def abort(self, keys: Iterable[int]) -> None:
        """Forget the samples of these orders; those finished meanwhile are handed out all the same."""
        unwanted = set(keys)

        def forget(engine: SteppedEngine) -> None:
            names = [name for name, key in self._keys.items() if key in unwanted]
            engine.abort(names)
            with self._changed:
                for name in names:
                    del self._keys[name]
                self._note_drained()

        self.call(forget)

    def collect(self, patience_s: float, linger_s: float = 0.0) -> Delivery:
        """What is finished, waited for a while where nothing is.

        While more is under way it lingers for so long and takes that along, since each delivery holds up the
        engine for a moment.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._broken is not None, patience_s)
            if linger_s and self._done:
                self._drained.wait_for(lambda: not self._keys or self._broken is not None, linger_s)
            self._raise_broken()
            samples, self._done = tuple(self._done), []
            self._handed_out += len(samples)
            return Delivery(samples, self._steps, self._handed_out, self.lane.take())

    # -- the thread ----------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            engine = self._make()
            while True:
                self._serve_calls(engine)
                self.lane.turn("recompute" if engine.recomputing else "generate")
                finished = engine.step()
                with self._changed:
                    self._steps += 1
                    if finished:
                        self._done += [(self._keys.pop(name), sample) for name, sample in finished.items()]
                        self._changed.notify_all()
                        self._note_drained()
        except BaseException as error:  # whatever it is, the engine is of no more use
            with self._changed:
                self._broken = error
                calls, self._calls = list(self._calls), deque()
                self._changed.notify_all()
                self._drained.notify_all()
            for call in calls:
                call.future.set_exception(error)

    def _serve_calls(self, engine: SteppedEngine) -> None:
        """All calls that wait; where there is nothing to step, also for the next one."""
        while True:
            with self._changed:
                if not self._calls and not engine.busy:
                    self.lane.turn("idle")
                self._changed.wait_for(lambda: self._calls or engine.busy)
                if not self._calls or (self._calls[0].when_idle and engine.busy):
                    return
                call = self._calls.popleft()
            if call.lane is not None:
                self.lane.turn(call.lane)
            try:
                call.future.set_result(call.act(engine))
            except Exception as error:  # the caller's, not the engine's
                call.future.set_exception(error)

    def _note_drained(self) -> None:
        if not self._keys:
            self._drained.notify_all()

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken
