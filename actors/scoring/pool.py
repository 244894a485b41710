"""The reward pool: a bench of killable scoring processes behind one Ray actor.

Role: what the GRPO loop scores with. ``RewardPool`` starts a pool of its own, which ends with it or, where
it was given a name, serves any job of the cluster (see ``named_pools``); ``PoolClient`` talks to either.
Collaborators: ``actors.scoring.process_pool`` does the work; the actor only carries parcels it never opens.
Invariants: one score per sample, in the order given; a missing score is a typed error, never a 0; an
actor that dies is started again by Ray and what was not returned is scored again.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray

from actors.scoring.fork_client import upbringing_for
from actors.scoring.fork_server import Upbringing
from actors.scoring.process_pool import Bench, BenchStatus, Parcel
from actors.scoring.scaling import ScalingPolicy
from actors.waits import Waiting, wait
from psyche_rl.errors import RemoteWaitError
from rewards import Reward, RewardSample, Score

START_S = 240.0
"""Deadline for the actor and its nursery to come up, in seconds."""
OTHERS_S = 3600.0
"""A last resort on top of what our own samples can take, where other jobs use the same pool."""
TRIES = 4
"""Deadlines that a sample can take: a crash is tried again, and a crowded machine gives more time."""
NAMESPACE = "psyche-rl-rewards"
"""Ray namespace of named pools: jobs have one each, so names must lie in one that all know."""


@dataclass(frozen=True)
class PoolStatus:
    """A pool at one moment."""

    fingerprint: str
    workers: int
    max_workers: int
    timeout_s: float
    bench: BenchStatus


class _PoolActor:
    """The remote side: one bench in the actor's event loop."""

    def __init__(self, upbringing: Upbringing, policy: ScalingPolicy, fingerprint: str) -> None:
        self._upbringing, self._policy, self._fingerprint = upbringing, policy, fingerprint
        self._bench: Bench | None = None

    async def start(self) -> None:
        await self._running()

    async def score(self, parcels: list[Parcel]) -> list[bytes]:
        return await (await self._running()).score(parcels)

    async def status(self) -> PoolStatus:
        bench, policy = await self._running(), self._policy
        return PoolStatus(
            self._fingerprint, policy.minimum, policy.maximum, self._upbringing.timeout_s, bench.status()
        )

    async def _running(self) -> Bench:
        # Not in __init__: it runs outside the loop, and an actor started again gets no call of start.
        if self._bench is None:
            self._bench = Bench(self._upbringing, self._policy)
        await self._bench.start()
        return self._bench


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
        parcels = [(sample.id, pickle.dumps(sample, protocol=5)) for sample in samples]
        rounds = math.ceil(len(parcels) / self._workers)
        deadline_s = START_S + self._others_s + rounds * TRIES * self._timeout_s
        waiting = Waiting(f"reward pool {self._name}", "score", version, deadline_s)
        return [pickle.loads(score) for score in wait(self.actor.score.remote(parcels), waiting)]

    def ready(self) -> None:
        """Wait until it is up.

        Raises:
            ConfigError: the reward cannot be loaded in a process of its own.
            RemoteWaitError: the actor does not come up.
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
        timeout_s: float = 10.0,
        num_cpus: float = 0,
        max_workers: int | None = None,
        memory_mib: int | None = None,
        name: str | None = None,
    ) -> None:
        upbringing = upbringing_for(reward, timeout_s, memory_mib)
        policy = ScalingPolicy(workers, max(workers, max_workers or 4 * workers))
        options: dict[str, Any] = {"num_cpus": num_cpus, "max_restarts": -1, "max_task_retries": -1}
        if name is not None:
            options |= {"name": name, "namespace": NAMESPACE, "lifetime": "detached"}
        remote = ray.remote(_PoolActor).options(max_concurrency=1000, **options)
        actor = remote.remote(upbringing, policy, reward.fingerprint())
        super().__init__(actor, timeout_s, workers, name or "of this run", 0.0 if name is None else OTHERS_S)

    def close(self) -> None:
        """End the pool; what is in flight is dropped."""
        self._ended = True  # the kill takes a moment: a call made meanwhile might still be answered
        ray.kill(self.actor)


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.loops.protocols import Scorers

    _: type[Scorers] = PoolClient
