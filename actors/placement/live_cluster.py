"""The Ray cluster that this process is part of, as the planner sees it.

Role: nodes from Ray, their memory from a task on each, and how far an autoscaler may go from the config that
it has reported.
Collaborators: ``psyche_rl.placement.cluster_shape``; ``local_node`` runs on every node.
Invariants:
- A node that is being drained is not counted: nothing new is placed there.
- A node that does not answer in time is one whose memory is not known; the plan says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.placement.local_node import this_node
from actors.waits import Waiting, wait
from psyche_rl.errors import RemoteWaitError
from psyche_rl.placement.cluster_shape import ClusterShape, Node

ANSWER_S = 60.0
"""For a task on each node; a worker process may have to start first."""
_UNLIMITED = 64
"""Nodes of a group without a limit."""
T = TypeVar("T")


def live_shape() -> ClusterShape:
    """The cluster as it is now, and what it may grow by."""
    told = on_each_node(this_node)
    nodes = tuple(
        Node(
            int(resources.get("GPU", 0)),
            found.gpu_gib if (found := told.get(node)) is not None else 0.0,
            int(resources.get("CPU", 0)),
            found.host_gib if found is not None else 0.0,
        )
        for node, resources in live_nodes().items()
    )
    return ClusterShape(nodes, _may_add(nodes))


def live_state() -> Any:
    """What Ray knows of its nodes; it has no public way to what is asked of it here."""
    from ray._private.state import state

    return state


def live_nodes() -> dict[str, Mapping[str, float]]:
    """Id of each node that takes actors -> its resources, this process's node first."""
    draining = live_state().get_draining_nodes()
    here = ray.get_runtime_context().get_node_id()
    found = {
        node["NodeID"]: node["Resources"]
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] not in draining
    }
    return dict(sorted(found.items(), key=lambda item: item[0] != here))


def on_each_node(work: Callable[..., T], *arguments: Any) -> dict[str, T]:
    """Id of each node that answers in time -> what ``work`` returned there; here it is only called."""
    here = ray.get_runtime_context().get_node_id()
    task: Any = ray.remote(num_cpus=0, max_retries=0)(work)
    refs = {
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
            *arguments
        ): node
        for node in live_nodes()
        if node != here
    }
    answers = {here: work(*arguments)}
    if refs:
        ready, late = ray.wait(list(refs), num_returns=len(refs), timeout=ANSWER_S)
        for ref in late:
            ray.cancel(ref, force=True)
        for ref in ready:
            with suppress(RemoteWaitError):  # the node has gone
                answers[refs[ref]] = wait(ref, Waiting(f"node {refs[ref]}", "answer", None, ANSWER_S))
    return answers


def _may_add(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Nodes of each group of the autoscaler's config, less those that are there and look alike."""
    config = live_state().get_cluster_config()
    left, added = list(nodes), list[Node]()
    for group in config.node_group_configs if config is not None else ():
        resources = dict(group.resources)
        kind = Node(gpus=int(resources.get("GPU", 0)), cpus=int(resources.get("CPU", 0)))
        # No limit is -1: what a run could take of it is bounded by its own numbers.
        room = group.max_count if group.max_count >= 0 else _UNLIMITED
        alike = [node for node in left if (node.gpus, node.cpus) == (kind.gpus, kind.cpus)][:room]
        for node in alike:
            left.remove(node)
        added += [alike[0] if alike else kind] * (room - len(alike))
    return tuple(added)
