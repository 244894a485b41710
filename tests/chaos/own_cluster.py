"""A Ray cluster of our own with a node beside its head, whose processes can be killed one by one.

Role: ``ray.cluster_utils.Cluster`` with the few verbs that chaos needs. Runs join it by its address.
Invariant: only processes of this cluster are found, and all of them end with it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

import psutil

STARTS = 3
ENDING_S = 60.0
"""What actors of a run that has ended may take to go."""


class OwnCluster:
    """Two raylets on this machine; use it as a context. With ``head_cpus`` 0 the head takes no tasks."""

    def __init__(self, head_cpus: int = 2) -> None:
        self._head_cpus = head_cpus

    def __enter__(self) -> OwnCluster:
        from ray._common.utils import reset_ray_address
        from ray.cluster_utils import Cluster

        for left in reversed(range(STARTS)):
            try:
                self._cluster: Any = Cluster(
                    initialize_head=True, head_node_args={"num_cpus": self._head_cpus}
                )
                break
            except Exception:  # Ray raises the bare class where a start takes too long, on a busy machine
                if not left:
                    raise
        reset_ray_address()  # or whoever starts a run on this machine without an address would come here
        self.add_node()
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """What RAY_ADDRESS is for those who are to join."""
        return str(self._cluster.address)

    @property
    def nodes(self) -> list[Any]:
        """Those beside the head."""
        return list(self._cluster.worker_nodes)

    def add_node(self) -> Any:
        """One more raylet."""
        return self._cluster.add_node(num_cpus=2)

    def lose(self, node: Any) -> None:
        """SIGKILL its raylet; the rest of the node goes with it."""
        os.kill(raylet(node), signal.SIGKILL)
        self._cluster.remove_node(node, allow_graceful=False)

    def processes(self, title: str, *nodes: Any) -> list[psutil.Process]:
        """Living workers of these nodes (all, if none is given) whose command has ``title`` in it."""
        found = []
        for node in nodes or [self._cluster.head_node, *self.nodes]:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(raylet(node)).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        if title in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                            found.append(child)
        return found

    def settle(self) -> None:
        """Wait for the actors of runs that have ended to go, and have a second node again."""
        deadline = time.monotonic() + ENDING_S
        while self.processes("ray::RolloutWorker") + self.processes("ray::LearnerRank"):
            assert time.monotonic() < deadline, "actors outlive their run"
            time.sleep(0.1)
        if not self.nodes:
            self.add_node()


def raylet(node: Any) -> int:
    """The process id of a node's raylet."""
    from ray._private.ray_constants import PROCESS_TYPE_RAYLET

    return int(node.all_processes[PROCESS_TYPE_RAYLET][0].process.pid)
