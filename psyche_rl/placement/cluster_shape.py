"""A cluster as the planner sees it: nodes with their devices and memory, now and as far as it may grow.

Pure data. Collaborators: ``actors.placement`` reads a live cluster into it; tests and ``psyche-rl check
--cluster`` pretend one.
Invariant: a memory of 0 GiB means that it is not known, so that nothing is refused by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from psyche_rl.errors import ConfigError

GIB = 1024**3
_PRETENDED = re.compile(r"(\d+)x(\d+)x(\d+(?:\.\d+)?)(?:\+(\d+))?")


@dataclass(frozen=True)
class Node:
    """One machine of the cluster."""

    gpus: int = 0
    gpu_gib: float = 0.0
    """Memory of each GPU."""
    cpus: int = 1
    host_gib: float = 0.0


@dataclass(frozen=True)
class ClusterShape:
    """``nodes`` are there; ``may_add`` are those that an autoscaler may add, at the most."""

    nodes: tuple[Node, ...]
    may_add: tuple[Node, ...] = ()

    @property
    def gpus(self) -> int:
        """Of the nodes that are there."""
        return sum(node.gpus for node in self.nodes)

    @property
    def may_grow_to(self) -> int:
        """GPUs at the most."""
        return self.grown.gpus

    @property
    def cpus(self) -> int:
        """Of the nodes that are there."""
        return sum(node.cpus for node in self.nodes)

    @property
    def grown(self) -> ClusterShape:
        """The cluster at its largest, which grows no more."""
        return ClusterShape((*self.nodes, *self.may_add))

    @property
    def widest(self) -> int:
        """GPUs of the node that has most, of those that are or may be there."""
        return max((node.gpus for node in self.grown.nodes), default=0)


def pretended(text: str) -> ClusterShape:
    """``2x8x80`` is two nodes of eight GPUs of 80 GiB; ``1x8x80+3`` may grow by three more such nodes.

    CPUs and host memory are taken to be plenty, since they are not stated: 16 CPUs a GPU, host not known.

    Raises:
        ConfigError: it is not written so.
    """
    match = _PRETENDED.fullmatch(text)
    if match is None:
        raise ConfigError(f"--cluster {text}: write it as NODESxGPUSxGIB, such as 2x8x80, or 2x8x80+1")
    count, gpus, more = int(match[1]), int(match[2]), int(match[4] or 0)
    node = Node(gpus=gpus, gpu_gib=float(match[3]), cpus=max(1, 16 * gpus))
    return ClusterShape((node,) * count, (node,) * more)
