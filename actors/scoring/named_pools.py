"""Reward pools by name: started by one job, used by any, ended by hand.

A pool is known by its name and the fingerprint of its reward, so that no job is scored by another rule
than its own. Invariant: all of this needs a Ray cluster that outlives the job, so ``launch``, which starts
pools, refuses a local Ray made for its own process.
"""

from __future__ import annotations

from typing import Any

import ray
from ray.util import list_named_actors

from actors.scoring.pool import NAMESPACE, PoolClient, PoolStatus, RewardPool
from psyche_rl.errors import ConfigError
from rewards import Reward


def start(name: str, reward: Reward, **settings: Any) -> PoolStatus:
    """Start a pool that stays; ``settings`` as of :class:`RewardPool`. One that is there already is kept.

    Raises:
        ConfigError: there is one of that name with another reward, or the reward cannot be loaded.
    """
    if name in names():
        return attach(name, reward.fingerprint()).status()
    pool = RewardPool(reward, name=name, **settings)
    try:
        pool.ready()
        return pool.status()
    except ConfigError:
        pool.close()
        raise


def attach(name: str, fingerprint: str) -> PoolClient:
    """The running pool ``name``, if its reward is the one expected.

    Raises:
        ConfigError: there is no such pool, or its reward is another.
    """
    pool = find(name)
    status = pool.status()
    if status.fingerprint != fingerprint:
        raise ConfigError(
            f"reward pool '{name}' scores by '{status.processes.reward}' with fingerprint "
            f"{status.fingerprint}, but {fingerprint} is wanted; start another pool, or "
            f"end it: psyche-rl rewards down {name}"
        )
    return PoolClient(pool.actor, status.timeout_s, status.workers, name)


def find(name: str) -> PoolClient:
    """The running pool ``name``, whatever its reward.

    Raises:
        ConfigError: there is none.
    """
    try:
        actor = ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        there = ", ".join(names()) or "none"
        raise ConfigError(
            f"no reward pool '{name}' in this cluster (there: {there}); start it with: psyche-rl rewards up"
        ) from None
    return PoolClient(actor, timeout_s=0.0, workers=1, name=name)


def end(name: str) -> None:
    """End the pool ``name`` for all jobs.

    Raises:
        ConfigError: there is none.
    """
    ray.kill(find(name).actor)


def names() -> list[str]:
    """Names of the running pools of this cluster, sorted."""
    found = list_named_actors(all_namespaces=True)
    return sorted(actor["name"] for actor in found if actor["namespace"] == NAMESPACE)
