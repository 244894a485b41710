"""Whether this machine, or the cluster that ``RAY_ADDRESS`` names, has what the stages take: places and disk.

Invariants:
- A cluster is joined to find out, as the stages would join it; a local Ray is not started.
- The plan is the one that the stages are placed by.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.errors import RemoteWaitError
from psyche_rl.learner.adapter_size import trained_parameters
from psyche_rl.model_folder import parameter_shapes
from psyche_rl.placement.cluster_shape import ClusterShape
from psyche_rl.placement.planner import plan_stages
from psyche_rl.stages import STAGES
from psyche_rl.store import RunStore

GIB = 1024**3
LEAST_DISK = GIB
"""What records, logs and the mini world's models take."""
STATE_BYTES = 12
"""Bytes of a checkpoint per trained parameter: float32 weights and Adam's two moments."""
MODEL_BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}
"""Bytes of an exported model per parameter, by the type of the computation."""


def check_machine(
    config: RunConfig, stages: Sequence[str], findings: RunFindings, shape: ClusterShape | None = None
) -> None:
    """Places and memory for all processes of the stages, and free disk for the run folder.

    Args:
        shape: of the cluster; unset, that of the one there is.
    """
    if any(STAGES[stage].devices for stage in stages):
        check_places(config, stages, shape or _there_is(findings), findings)
    _check_disk(config, stages, findings)


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


def _there_is(findings: RunFindings) -> ClusterShape | None:
    try:
        return cluster_there_is()
    except RemoteWaitError as error:
        remedy = "correct it, start the cluster, or unset it to run on this machine"
        findings.problem("RAY_ADDRESS", os.environ.get("RAY_ADDRESS"), str(error), remedy)
        return None


def cluster_there_is() -> ClusterShape:
    """The cluster that ``RAY_ADDRESS`` names or that was joined, else this machine.

    Raises:
        RemoteWaitError: no cluster answers at ``RAY_ADDRESS``.
    """
    joined_already = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if joined_already or (os.environ.get("RAY_ADDRESS") or "local") != "local":
        from actors.cluster import connect
        from actors.placement.live_cluster import live_shape

        connect()
        return live_shape()
    from actors.placement.local_node import this_node

    return ClusterShape((this_node(),))


def _check_disk(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    try:
        store = RunStore(config.run_dir)
    except Exception:
        return  # told by the check of paths
    if not store.is_local:
        findings.skip(f"disk: whether {store.url} has room")
        return
    shapes = _shapes(config)
    if not shapes and config.mini is None:
        findings.skip("disk: room for checkpoints; the model's size is not known before it is fetched")
    saved = 1 if "sft" in stages else 0
    saved += config.grpo.keep_checkpoints + config.grpo.keep_best + 1 if "grpo" in stages else 0
    exports = sum(MODEL_BYTES[getattr(config, s).learner.dtype] for s in ("sft", "grpo") if s in stages)
    needed = LEAST_DISK + saved * STATE_BYTES * trained_parameters(shapes, config.lora)
    needed += exports * trained_parameters(shapes, None)
    folder = next(place for place in (Path(store.url), *Path(store.url).parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        wrong = (
            f"{folder} has {free / GIB:.1f} GiB free; {saved} checkpoints, the trained models and records "
            f"take {needed / GIB:.1f}"
        )
        findings.problem(
            "run_dir", config.run_dir, wrong, "free some, give another path, or keep fewer checkpoints"
        )


def _shapes(config: RunConfig) -> Mapping[str, tuple[int, ...]]:
    """Of a base model that is a folder here; empty where nothing is known."""
    if config.model is None or not Path(config.model).expanduser().is_dir():
        return {}
    try:
        return parameter_shapes(Path(config.model).expanduser())
    except Exception:
        return {}  # told by the check of models
