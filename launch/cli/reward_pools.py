"""``psyche-rl rewards up | status | down``: named reward pools of a Ray cluster.

Invariant: none of these starts a Ray of its own, which would end with the command.
"""

from __future__ import annotations

import os
from typing import Any

from psyche_rl.errors import ConfigError

NO_CLUSTER = (
    "no Ray cluster is running that a reward pool could stay in: ray start --head, or set RAY_ADDRESS"
)


def join_cluster() -> None:
    """Attach to the surrounding cluster.

    Raises:
        ConfigError: there is none that outlives this command.
    """
    if os.environ.get("RAY_ADDRESS") == "local":
        raise ConfigError(NO_CLUSTER)
    import ray

    from actors.cluster import connect

    connect()
    node: Any = ray._private.worker._global_node
    if node is not None and node.is_head():
        ray.shutdown()
        raise ConfigError(NO_CLUSTER)


def up(config: str, name: str | None, **settings: Any) -> str:
    """Start a pool, or find it running; one line about it."""
    from actors.scoring import named_pools
    from launch.stages.training_reward import reward_set

    reward = reward_set(config)
    join_cluster()
    name = name or reward.name
    return line(name, named_pools.start(name, reward, **settings))


def statuses() -> list[str]:
    """One line for each pool of the cluster."""
    from actors.scoring import named_pools

    join_cluster()
    return [line(name, named_pools.find(name).status()) for name in named_pools.names()]


def down(name: str) -> None:
    """End a pool for all its users."""
    from actors.scoring import named_pools

    join_cluster()
    named_pools.end(name)


def line(name: str, status: Any) -> str:
    """``exam  fingerprint=…  workers=2 (2 to 8)  …``."""
    processes = status.processes
    fields = {
        "reward": processes.reward,
        "fingerprint": status.fingerprint,
        "workers": f"{len(processes.pids)} ({status.workers} to {status.max_workers})",
        "timeout_s": f"{status.timeout_s:g}",
        "waiting": processes.work.waiting,
        "in_work": processes.work.in_work,
        "scored": processes.work.scored,
        "timeouts": processes.work.timeouts,
        "deaths": processes.work.deaths,
        "pids": ",".join(map(str, processes.pids)),
    }
    return "  ".join([name, *(f"{key}={value}" for key, value in fields.items())])
