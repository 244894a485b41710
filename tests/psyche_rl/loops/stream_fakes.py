"""Engines that answer in the background, in an order and after a delay that a seed decides."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from loop_fakes import Calls, logprob, reply, sample

from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.timeline.lane import LaneSpan, Stretch, of_worker


@dataclass
class FakeStream:
    """Serves the "policy" of ``loop_fakes``; tokens of a request are of the versions served meanwhile."""

    calls: Calls
    ledger: Ledger
    reply: Callable[[GenerationRequest, int], str] = reply
    capacity: int = 10**6
    slowest_s: float = 0.002
    seed: int = 0
    fails: Callable[[GenerationRequest], BaseException | None] = lambda _: None
    history: list[tuple[int, int]] = field(default_factory=list)
    """Version and updates, of every publish."""
    waits: list[float] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    """Tokens of groups that are told of, and whose future is not resolved yet."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._pending = 0
        self._lock = threading.RLock()
        self._when_free: Callable[[], None] = lambda: None

    def publish(self, weights: int, version: int) -> str:
        self.calls.append(("publish", version, weights))
        with self._lock:
            self.history.append((version, weights))
        return "checksum"

    def lanes(self) -> list[LaneSpan]:
        return of_worker(0, [Stretch("generate", 1.0, 2.0)])

    @contextmanager
    def unfinished(self) -> Iterator[Mapping[str, int]]:
        with self._lock:
            yield dict(self.open)

    def generate(
        self, requests: Sequence[GenerationRequest], version: int, counted: bool = False
    ) -> list[list[Sample]]:
        assert not counted
        assert self.history[-1][0] == version
        self.calls.append(("generate", version, tuple(requests)))
        return [[self._sample(r, i, len(self.history) - 1) for i in range(r.n)] for r in requests]

    def submit(self, request: GenerationRequest) -> Future[tuple[Sample, ...]]:
        future: Future[tuple[Sample, ...]] = Future()
        with self._lock:
            self.calls.append(("submit", request.id))
            self._pending += request.n
            begun, delay_s = len(self.history) - 1, self._dice.random() * self.slowest_s
        threading.Timer(delay_s, self._answer, [request, future, begun]).start()
        return future

    @property
    def free(self) -> int:
        return self.capacity - self._pending

    def when_free(self, act: Callable[[], None]) -> None:
        self._when_free = act

    def metrics(self) -> dict[str, float]:
        return {"workers/serving": 1.0}

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def _answer(self, request: GenerationRequest, future: Future, begun: int) -> None:
        error = self.fails(request)
        with self._lock:
            self._pending -= request.n
            samples = tuple(self._sample(request, i, begun) for i in range(request.n))
            if error is None:
                self.ledger.generated(samples, worker="0", attempt=1)
                self.open[request.id] = sum(len(sample.response_ids) for sample in samples)
        if error is not None:
            future.set_exception(error)
            return
        future.set_result(samples)
        del self.open[request.id]

    def _sample(self, request: GenerationRequest, index: int, begun: int) -> Sample:
        made = sample(self.reply(request, index), request.id, index)
        served = self.history[begun:]
        of_token = [served[min(i, len(served) - 1)] for i in range(len(made.response_ids))]
        return made.model_copy(
            update={
                "weight_versions": tuple(version for version, _ in of_token),
                "logprobs": tuple(logprob(updates) for _, updates in of_token),
            }
        )
