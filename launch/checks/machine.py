"""Whether this machine, or the cluster that ``RAY_ADDRESS`` names, has what the stages take: GPUs and disk.

Invariants:
- A cluster is joined to find out, as the stages would join it; a local Ray is not started.
- The arithmetic is that of the actors' own resource requests (an engine takes ``tensor_parallel_size`` GPUs,
  a learner rank and a reference model of an own pool one each).
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
from psyche_rl.stages import STAGES
from psyche_rl.stages.demand import demands
from psyche_rl.store import RunStore

GIB = 1024**3
LEAST_DISK = GIB
"""What records, logs and the mini world's models take."""
STATE_BYTES = 12
"""Bytes of a checkpoint per trained parameter: float32 weights and Adam's two moments."""
MODEL_BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}
"""Bytes of an exported model per parameter, by the type of the computation."""


def check_machine(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """GPUs, where there are any, and free disk for the run folder."""
    if gpus_needed(config, stages):
        _check_cluster(config, stages, findings)
    _check_disk(config, stages, findings)
    findings.skip("memory: whether models fit the memory of devices and hosts")


def _check_cluster(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    try:
        check_resources(config, stages, cluster_resources(), findings)
    except RemoteWaitError as error:
        remedy = "correct it, start the cluster, or unset it to run on this machine"
        findings.problem("RAY_ADDRESS", os.environ.get("RAY_ADDRESS"), str(error), remedy)


def cluster_resources() -> Mapping[str, float]:
    """CPUs and GPUs of the cluster that ``RAY_ADDRESS`` names or that was joined, else of this machine.

    Raises:
        RemoteWaitError: no cluster answers at ``RAY_ADDRESS``.
    """
    joined_already = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if joined_already or (os.environ.get("RAY_ADDRESS") or "local") != "local":
        import ray

        from actors.cluster import connect

        connect()
        joined: Mapping[str, float] = ray.cluster_resources()
        return joined
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = len(list(Path("/dev").glob("nvidia[0-9]*")))
    gpus = devices if visible is None else min(devices, len([name for name in visible.split(",") if name]))
    return {"CPU": os.cpu_count() or 1, "GPU": gpus}


def gpus_needed(config: RunConfig, stages: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Stage -> the key that asks for most, and the GPUs that are taken at once."""
    needed: dict[str, tuple[str, int]] = {}
    for stage in stages:
        taken = [demand for demand in demands(STAGES[stage], config) if demand.key]
        if taken:
            most = max(taken, key=lambda demand: demand.gpus)
            needed[stage] = (most.key, sum(d.gpus for d in demands(STAGES[stage], config)))
    return needed


def check_resources(
    config: RunConfig, stages: Sequence[str], resources: Mapping[str, float], findings: RunFindings
) -> None:
    """Actors wait for GPUs for ever if there are fewer; on CPU they share cores, so that none is too many."""
    gpus = int(resources.get("GPU", 0))
    for stage, (key, count) in gpus_needed(config, stages).items() if gpus else ():
        if count > gpus:
            section, _, name = key.rpartition(".")
            value = getattr(getattr(config, section), name)
            wrong = f"stage '{stage}' takes {count} GPUs at once, and there are {gpus}"
            findings.problem(key, value, wrong, f"lower {_counts(stage, key)}, or run it on a larger cluster")


def _counts(stage: str, key: str) -> str:
    return "grpo.rollout_workers, grpo.ranks or engine.tensor_parallel_size" if stage == "grpo" else key


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
