"""Engines and a learner that sleep for as long as they are told: what a run costs beside them is ours.

The rollout workers, the ranks and everything around them are the product's own; only what they hold sleeps.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any

import fleet_simulator
import numpy as np
import ray

from actors.learner.rank import LearnerRank
from actors.rollout.worker import CALLS, RolloutWorker
from psyche_rl.learner.backward import Backward
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.sequence import response_length
from psyche_rl.records import GenerationRequest, Sample
from rewards import RewardSample, Score

TOKENS = 4
STEP_S = 0.005
"""A pretended token: what is brought to an engine is noticed after one."""


@dataclass(frozen=True)
class Lengths:
    """Seconds of sample ``index`` of a request, which has the number of its group as its seed."""

    scale_s: float
    long_share: float

    def table(self) -> Callable[[GenerationRequest, int], float]:
        drawn = fleet_simulator.lengths(1, self.long_share)
        return lambda request, index: drawn(request.seed or 0, index) * self.scale_s


class SleepingEngine:
    """``cap`` samples run side by side, each for its own time."""

    recomputing = False

    def __init__(self, lengths: Lengths, cap: int, version: int) -> None:
        self._seconds, self._cap, self._version = lengths.table(), cap, version
        self._waiting: deque[tuple[str, GenerationRequest, int]] = deque()
        self._running: list[tuple[float, str]] = []
        self._of: dict[str, tuple[GenerationRequest, int, int]] = {}
        self._names = count()

    def add(self, request: GenerationRequest, index: int) -> str:
        name = str(next(self._names))
        self._of[name] = request, index, self._version
        self._waiting.append((name, request, index))
        self._begin()
        return name

    def step(self) -> dict[str, Sample]:
        time.sleep(max(0.0, min(STEP_S, self._running[0][0] - time.monotonic())))
        now, ended = time.monotonic(), []
        while self._running and self._running[0][0] <= now:
            ended.append(heappop(self._running)[1])
        self._begin()
        return {name: self._sample(*self._of.pop(name)) for name in ended if name in self._of}

    def abort(self, names: Iterable[str]) -> None:
        for name in names:
            self._of.pop(name, None)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def generate(self, requests: Sequence[GenerationRequest]) -> list[list[Sample]]:
        names = [[self.add(request, index) for index in range(request.n)] for request in requests]
        found: dict[str, Sample] = {}
        while self.busy:
            found |= self.step()
        return [[found[name] for name in group] for group in names]

    def update_weights(self, weights: Mapping[str, np.ndarray], version: int) -> None:
        self._version = version

    def _begin(self) -> None:
        while self._waiting and len(self._running) < self._cap:
            name, request, index = self._waiting.popleft()
            if name in self._of:
                heappush(self._running, (time.monotonic() + self._seconds(request, index), name))

    def _sample(self, request: GenerationRequest, index: int, begun: int) -> Sample:
        return Sample(
            id=f"{request.id}/{index}", request_id=request.id, index=index, prompt_ids=request.prompt_ids,
            response_ids=(3,) * TOKENS, logprobs=(0.0,) * TOKENS,
            weight_versions=(begun,) + (self._version,) * (TOKENS - 1), finish_reason="stop",
        )  # fmt: skip


class SleepingWorker(RolloutWorker):
    """The product's worker around such an engine."""

    def __init__(self, lengths: Lengths, cap: int, version: int) -> None:
        super().__init__("", None, version)  # type: ignore[arg-type]
        self._lengths, self._cap = lengths, cap

    def _make(self) -> Any:
        return SleepingEngine(self._lengths, self._cap, self._served.version)


class SleepingLearner:
    """A step takes ``sample_s`` for each of its samples, in however many parts they come."""

    def __init__(self, sample_s: float) -> None:
        self._sample_s = sample_s

    def policy_backward(self, sequences: Sequence[Any], objective: Any) -> Backward:
        time.sleep(self._sample_s * len(sequences))
        return Backward([np.zeros(response_length(s), np.float32) for s in sequences], {"loss": 0.0})

    def optimizer_step(self) -> dict[str, float]:
        return {"grad_norm": 0.0}

    def publish(self, put: Callable[[Any], Any], dtype: str | None = None) -> Any:
        return put({"w": np.zeros(4, np.float32)})


class SleepingRank(LearnerRank):
    """The product's rank around such a learner; ``open`` gets its pace in the place of a model."""

    def __init__(self, rank: int, ranks: int, threads: int | None, wait_s: float) -> None:
        self._learner: Any = None

    def join(self, address: tuple[str, int] | None) -> None:
        pass

    def open(self, model_dir: str, *_: Any) -> Layout:
        self._learner = SleepingLearner(float(model_dir))
        return Layout.ALONE


@dataclass(frozen=True)
class NumberedPrompts:
    """Stands where the loop has its codec: a request's seed is the number of its group."""

    per_step: int

    def request(self, question: Any, place: str, n: int, sampling: Any, seed: int) -> GenerationRequest:
        step, _, index = place.partition("/")
        number = int(step) * self.per_step + int(index) if index else int(place.removeprefix("g"))
        return GenerationRequest(id=place, prompt_ids=(1, 2, 3), n=n, max_tokens=TOKENS, seed=number)

    def reward_sample(self, question: Any, sample: Sample) -> RewardSample:
        return RewardSample(id=sample.id, response="", gold="A", kind="single")


class InstantScorers:
    """Every second sample is right."""

    def score(self, samples: Sequence[RewardSample], version: int) -> list[Score]:
        return [Score(value=float(number % 2)) for number, _ in enumerate(samples)]


class NoCheckpoints:
    """Nothing is kept of what sleeps."""

    def restore(self, learner: Any) -> int:
        return 0

    def save(self, *_: Any) -> None:
        pass

    def would_be_best(self, value: float | None) -> bool:
        return False

    def finishing(self) -> Any:
        return nullcontext()


def new_worker(lengths: Lengths, cap: int) -> Callable[[int], Any]:
    """What a stream takes, and a pool asks."""
    start: Any = ray.remote(SleepingWorker).options(num_cpus=0, max_concurrency=CALLS, max_restarts=0)
    return lambda version: start.remote(lengths, cap, version)


for module in (sys.modules[__name__], fleet_simulator):
    ray.cloudpickle.register_pickle_by_value(module)  # the benchmarks folder is not on the workers' path
