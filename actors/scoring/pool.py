"""The reward pool: killable scoring processes behind one Ray actor.

Role: what the GRPO loop scores with. ``RewardPool`` starts a pool of its own, which ends with it or, where
it was given a name, serves any job of the cluster (see ``named_pools``); ``PoolClient`` talks to either.
Collaborator: ``process_pool`` does the work; the actor only passes on samples that it never opens.

Invariants:

- one score per sample, in the order given; a missing score is a typed error, never a 0;
- an actor that dies is started again by Ray, and what was not returned is scored again.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray

from actors.scoring.fork_client import worker_spec
from actors.scoring.fork_server import WorkerSpec
from actors.scoring.process_pool import PickledSample, ProcessPoolStatus, ScoringProcessPool
from actors.scoring.scaling import ScalingPolicy
from actors.waits import Waiting, wait
from psyche_rl.errors import RemoteWaitError
from psyche_rl.scoring_limits import TIMEOUT_S
from rewards import Reward, RewardSample, Score

START_S = 240.0
"""Deadline for the actor and its fork server to start, in seconds."""
OTHERS_S = 3600.0
"""A last resort on top of what our own samples can take, where other jobs use the same pool."""
DEADLINES_A_SAMPLE = 4
"""What a sample can take: a crash is tried again, and a crowded machine gives more time."""
NAMESPACE = "psyche-rl-rewards"
"""Ray namespace of named pools: jobs have one each, so names must lie in one that all know."""


@dataclass(frozen=True)
class PoolStatus:
    """A pool at one moment."""

    fingerprint: str
    workers: int
    max_workers: int
    timeout_s: float
    processes: ProcessPoolStatus


class _PoolActor:
    """The remote side: one process pool in the actor's event loop."""

    def __init__(self, spec: WorkerSpec, scaling: ScalingPolicy, fingerprint: str) -> None:
        self._spec, self._scaling, self._fingerprint = spec, scaling, fingerprint
        self._pool: ScoringProcessPool | None = None

    async def start(self) -> None:
        self._started()

    async def score(self, samples: list[PickledSample]) -> list[bytes]:
        return await self._started().score(samples)

    async def status(self) -> PoolStatus:
        processes, scaling = self._started().status(), self._scaling
        return PoolStatus(
            self._fingerprint, scaling.minimum, scaling.maximum, self._spec.timeout_s, processes
        )

    def _started(self) -> ScoringProcessPool:
        # Not in __init__: it runs outside the loop, and an actor started again gets no call of start.
        if self._pool is None:
            self._pool = ScoringProcessPool(self._spec, self._scaling)
        return self._pool


class PoolClient:
    """Scores by a pool that someone has started."""

    def __init__(
        self, actor: Any, timeout_s: float, workers: int, name: str, others_s: float = OTHERS_S
    ) -> None:
        self.actor, self._timeout_s, self._workers, self._name = actor, timeout_s, workers, name
        self._others_s = others_s
        self._ended = False

    def score(self, samples: Sequence[RewardSample], version: int | None = None) -> list[Score]:
        """One score per sample, in order; ``version`` names the weights in error messages.

        Raises:
            RemoteWaitError: the pool has been ended.
        """
        if self._ended:
            raise RemoteWaitError(f"reward pool {self._name}", "score", version, "the pool was ended")
        if not samples:
            return []
        pickled = [(sample.id, pickle.dumps(sample, protocol=5)) for sample in samples]
        rounds = math.ceil(len(pickled) / self._workers)
        deadline_s = START_S + self._others_s + rounds * DEADLINES_A_SAMPLE * self._timeout_s
        waiting = Waiting(f"reward pool {self._name}", "score", version, deadline_s)
        return [pickle.loads(score) for score in wait(self.actor.score.remote(pickled), waiting)]

    def ready(self) -> None:
        """Wait until it is up.

        Raises:
            ConfigError: the reward cannot be loaded in a process of its own.
            RemoteWaitError: the actor does not start.
        """
        wait(self.actor.start.remote(), Waiting(f"reward pool {self._name}", "start", None, START_S))

    def status(self) -> PoolStatus:
        """What the pool is and does."""
        waiting = Waiting(f"reward pool {self._name}", "status", deadline_s=START_S)
        found: PoolStatus = wait(self.actor.status.remote(), waiting)
        return found

    def close(self) -> None:
        """Leave; the pool goes on."""


class RewardPool(PoolClient):
    """A pool of ``workers`` to ``max_workers`` scoring processes (default: four times ``workers``).

    ``timeout_s`` is the deadline of each sample; ``memory_mib`` bounds a process's address space.
    ``num_cpus=0`` keeps scorers from starving beside engines and learners on small machines. The
    constructor does not wait; ``ready`` does. With a ``name`` the pool outlives the job.
    """

    def __init__(
        self,
        reward: Reward,
        workers: int = 2,
        timeout_s: float = TIMEOUT_S,
        num_cpus: float = 0,
        max_workers: int | None = None,
        memory_mib: int | None = None,
        name: str | None = None,
    ) -> None:
        spec = worker_spec(reward, timeout_s, memory_mib)
        scaling = ScalingPolicy(workers, max(workers, max_workers or 4 * workers))
        options: dict[str, Any] = {"num_cpus": num_cpus, "max_restarts": -1, "max_task_retries": -1}
        if name is not None:
            options |= {"name": name, "namespace": NAMESPACE, "lifetime": "detached"}
        remote = ray.remote(_PoolActor).options(max_concurrency=1000, **options)
        actor = remote.remote(spec, scaling, reward.fingerprint())
        super().__init__(actor, timeout_s, workers, name or "of this run", 0.0 if name is None else OTHERS_S)

    def close(self) -> None:
        """End the pool; what is in flight is dropped."""
        self._ended = True  # the kill takes a moment: a call made meanwhile might still be answered
        ray.kill(self.actor)


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import Scorers

    _: type[Scorers] = PoolClient
