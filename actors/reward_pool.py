"""Ray actors that score samples with a pickled reward, and lose only what cannot be scored.

The driver cuts the samples into batches, one in flight per worker. A scorer's exception costs its own
sample an error within the worker. A batch that does not come back (a hang, a dead process, an answer
that cannot be sent) is scored again sample by sample on a fresh worker, so that only the sample at
fault gets a typed error. A worker that died or passed the deadline is killed and replaced.

Invariants: one score per sample, in the order given; which worker and batch a sample falls to depends
on its position alone; a missing score is an error, never a 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayActorError, RayError

from actors.waits import Waiting, wait
from psyche_rl.errors import RemoteWaitError
from rewards import Reward, RewardSample, Score

BATCH = 64
"""Samples in a call: a call costs about 2 ms, a scorer of ours about 20 µs a sample."""
START_S = 120.0
"""Deadline for a worker to come up, in seconds."""


class _RewardWorker:
    """The remote side: unpickles the reward once, then scores batches."""

    def __init__(self, pickled: bytes) -> None:
        self._reward: Reward = cloudpickle.loads(pickled)

    def ready(self) -> bool:
        return True

    def score(self, samples: list[RewardSample]) -> list[Score]:
        return [self._score(sample) for sample in samples]

    def _score(self, sample: RewardSample) -> Score:
        try:
            return self._reward.score(sample)
        except Exception as error:
            return Score.failed("scorer_exception", f"{self._reward.name}: {type(error).__name__}: {error}")


class RewardPool:
    """``workers`` scoring processes; close the pool to end them.

    ``timeout_s`` is the deadline of a batch, and of each sample of a batch that missed it.
    ``num_cpus=0`` keeps scorers from starving beside engines and learners on small machines.

    Raises:
        RemoteWaitError: a worker does not come up.
    """

    def __init__(
        self, reward: Reward, workers: int = 2, timeout_s: float = 10.0, num_cpus: float = 0
    ) -> None:
        self._name, self._timeout_s, self._num_cpus = reward.name, timeout_s, num_cpus
        self._pickled = cloudpickle.dumps(reward)
        self._workers = [self._start() for _ in range(workers)]
        for index in range(workers):
            self._await_ready(index, None)

    def score(self, samples: list[RewardSample], version: int | None = None) -> list[Score]:
        """One score per sample, in order; ``version`` names the weights in error messages."""
        batches = [list(batch) for batch in _batched(samples, self._batch_size(len(samples)))]
        scores: list[Score] = []
        for start in range(0, len(batches), len(self._workers)):
            calls = [
                (index, batch, self._workers[index].score.remote(batch))
                for index, batch in enumerate(batches[start : start + len(self._workers)])
            ]
            for index, batch, ref in calls:
                try:
                    scores += self._wait(index, ref, version)
                except (RemoteWaitError, RayError):
                    self._replace(index, version)
                    scores += [self._score_alone(index, sample, version) for sample in batch]
        return scores

    def close(self) -> None:
        """End the workers; what is in flight is dropped."""
        for worker in self._workers:
            ray.kill(worker)
        self._workers = []

    def _score_alone(self, index: int, sample: RewardSample, version: int | None) -> Score:
        try:
            [score] = self._wait(index, self._workers[index].score.remote([sample]), version)
            return score
        except (RemoteWaitError, RayError) as error:
            self._replace(index, version)
            died = isinstance(error, RayError) or isinstance(error.__cause__, RayActorError)
            why = "its process died or could not answer" if died else f"no score within {self._timeout_s:g} s"
            message = f"{self._name} on sample {sample.id}: {why}"
            return Score.failed("scorer_exception" if died else "timeout", message)

    def _wait(self, index: int, ref: Any, version: int | None) -> list[Score]:
        result: list[Score] = wait(ref, Waiting(f"reward worker {index}", "score", version, self._timeout_s))
        return result

    def _batch_size(self, n: int) -> int:
        return max(1, min(BATCH, -(-n // len(self._workers))))

    def _start(self) -> Any:
        actor = ray.remote(_RewardWorker)
        return actor.options(num_cpus=self._num_cpus, max_restarts=0).remote(self._pickled)

    def _await_ready(self, index: int, version: int | None) -> None:
        ref = self._workers[index].ready.remote()
        wait(ref, Waiting(f"reward worker {index}", "start", version, START_S))

    def _replace(self, index: int, version: int | None) -> None:
        ray.kill(self._workers[index])
        self._workers[index] = self._start()
        self._await_ready(index, version)


def _batched(samples: Sequence[RewardSample], size: int) -> list[Sequence[RewardSample]]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]
