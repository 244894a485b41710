"""Whether this machine, or the cluster that ``RAY_ADDRESS`` names, has what the stages take: places and disk.

Invariants:
- A cluster is joined to find out, as the stages would join it; a local Ray is not started.
- The plan is the one that the stages are placed by.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from launch.checks.disk_room import check_disk
from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.config.passed_variables import not_set
from psyche_rl.errors import RemoteWaitError
from psyche_rl.placement.cluster_shape import ClusterShape
from psyche_rl.placement.planner import plan_stages
from psyche_rl.stages import STAGES


def check_machine(
    config: RunConfig, stages: Sequence[str], findings: RunFindings, shape: ClusterShape | None = None
) -> None:
    """Places and memory for all processes of the stages, and free disk for the run folder.

    Args:
        shape: of the cluster; unset, that of the one there is.
    """
    for name in not_set(config.cluster.pass_env, os.environ):
        findings.problem("cluster.pass_env", name, "is not set here", "export it, or take its name out")
    if any(STAGES[stage].devices for stage in stages):
        check_places(config, stages, shape or _there_is(config, findings), findings)
    check_disk(config, stages, findings)


def check_places(
    config: RunConfig, stages: Sequence[str], shape: ClusterShape | None, findings: RunFindings
) -> None:
    """A plan for each stage, or why it does not fit ``shape`` (unset: nobody knows)."""
    if shape is None:
        return
    plans, refused = plan_stages(stages, config, shape)
    findings.plans += plans
    findings.skip(*(line for plan in plans for line in plan.unknown))
    for error in refused:
        problem = error.problem
        findings.problem(problem.key, problem.value, problem.wrong, problem.remedy)


def _there_is(config: RunConfig, findings: RunFindings) -> ClusterShape | None:
    try:
        return cluster_there_is(config.cluster.pass_env)
    except RemoteWaitError as error:
        remedy = "correct it, start the cluster, or unset it to run on this machine"
        findings.problem("RAY_ADDRESS", os.environ.get("RAY_ADDRESS"), str(error), remedy)
        return None


def cluster_there_is(pass_env: Sequence[str] = ()) -> ClusterShape:
    """The cluster that ``RAY_ADDRESS`` names or that was joined, else this machine.

    Args:
        pass_env: variables that the workers are to have, where the cluster is joined here.

    Raises:
        RemoteWaitError: no cluster answers at ``RAY_ADDRESS``.
    """
    joined_already = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if joined_already or (os.environ.get("RAY_ADDRESS") or "local") != "local":
        from actors.cluster import connect
        from actors.placement.live_cluster import live_shape

        connect(pass_env)
        return live_shape()
    from actors.placement.local_node import this_node

    return ClusterShape((this_node(),))
