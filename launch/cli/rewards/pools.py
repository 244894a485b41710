"""``psyche-rl rewards up | status | down``: named reward pools of a Ray cluster.

Imports what it needs when it runs. Invariant: none of these starts a Ray of its own, which would end with
the command.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from launch.cli.rewards.options import MaxWorkers, MemoryMib, RewardSet, TimeoutS, Workers
from psyche_rl.errors import ConfigError
from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S
from psyche_rl.terminal.plain import echo

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


def up(
    config: RewardSet,
    name: Annotated[str | None, typer.Option(help="default: the reward set's name")] = None,
    workers: Workers = 2,
    max_workers: MaxWorkers = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    memory_mib: MemoryMib = MEMORY_MIB,
    cpus: Annotated[float, typer.Option(help="CPUs to reserve in the cluster")] = 0.0,
) -> None:
    """Start a reward pool in the Ray cluster that any job can use (grpo.reward.pool)."""
    from actors.scoring import named_pools
    from launch.stages.training_reward import reward_set

    reward = reward_set(config)
    join_cluster()
    name = name or reward.name
    started = named_pools.start(
        name,
        reward,
        workers=workers,
        max_workers=max_workers,
        timeout_s=timeout_s,
        memory_mib=memory_mib or None,
        num_cpus=cpus,
    )
    echo(line(name, started))


def status() -> None:
    """One line for each reward pool of the Ray cluster."""
    from actors.scoring import named_pools

    join_cluster()
    lines = [line(name, named_pools.find(name).status()) for name in named_pools.names()]
    echo("\n".join(lines) if lines else "no reward pool in this cluster")


def down(name: Annotated[str, typer.Argument(help="the pool's name", metavar="NAME")]) -> None:
    """End a reward pool for all jobs."""
    from actors.scoring import named_pools

    join_cluster()
    named_pools.end(name)
    echo(f"{name}: ended")


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
