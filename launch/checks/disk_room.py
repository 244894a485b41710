"""Room on the disk of the run folder: for a whole run before it begins, for each stage before it does.

Role: the plan knows sizes, and a run that cannot save a checkpoint is better told so before it trains.
Collaborators: ``psyche_rl.placement.model_size``, which knows models that are not on this machine too.
Invariant: what a stage has written already is room that it has.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.learner.adapter_size import trained_parameters
from psyche_rl.model_folder import parameter_shapes
from psyche_rl.placement.model_size import model_size
from psyche_rl.store import RunStore

GIB = 1024**3
LEAST_DISK = GIB
"""What records, logs and the mini world's models take."""
STATE_BYTES = 12
"""Bytes of a checkpoint per trained parameter: float32 weights and Adam's two moments."""
MODEL_BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}
"""Bytes of an exported model per parameter, by the type of the computation."""


def check_disk(
    config: RunConfig, stages: Sequence[str], findings: RunFindings, least: int = LEAST_DISK
) -> None:
    """Whether the disk of the run folder has room for what ``stages`` will write.

    Args:
        least: bytes for all that is no checkpoint and no model.
    """
    try:
        store = RunStore(config.run_dir)
    except Exception:
        return  # told by the check of paths
    if not store.is_local:
        findings.skip(f"disk: whether {store.url} has room")
        return
    parameters, trained = _sizes(config)
    if not parameters and config.mini is None:
        findings.skip("disk: room for checkpoints; the model's size is not known before it is fetched")
    saved = {stage: _checkpoints(stage, config) for stage in stages if stage in ("sft", "grpo")}
    needed = least
    for stage, count in saved.items():
        writes = count * STATE_BYTES * trained
        writes += MODEL_BYTES[getattr(config, stage).learner.dtype] * parameters
        needed += max(0, writes - sum(store.files(stage).values()))
    folder = next(place for place in (Path(store.url), *Path(store.url).parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        wrong = (
            f"{folder} has {free / GIB:.1f} GiB free; {sum(saved.values())} checkpoints, the trained models "
            f"and records take {needed / GIB:.1f}"
        )
        findings.problem(
            "run_dir", config.run_dir, wrong, "free some, give another path, or keep fewer checkpoints"
        )


def _checkpoints(stage: str, config: RunConfig) -> int:
    """At most at once: those that stay, and in GRPO the one that is being written."""
    return 1 if stage == "sft" else config.grpo.keep_checkpoints + config.grpo.keep_best + 1


def _sizes(config: RunConfig) -> tuple[int, int]:
    """Parameters of the base model, and those that are trained; 0 where nothing is known."""
    if shapes := _shapes(config):
        return trained_parameters(shapes, None), trained_parameters(shapes, config.lora)
    try:
        size = model_size(config.model, None, config.lora)
    except Exception:
        size = None  # told by the check of models
    return (size.parameters, size.trained) if size is not None else (0, 0)


def _shapes(config: RunConfig) -> Mapping[str, tuple[int, ...]]:
    """Of a base model that is a folder here; empty where nothing is known."""
    if config.model is None or not Path(config.model).expanduser().is_dir():
        return {}
    try:
        return parameter_shapes(Path(config.model).expanduser())
    except Exception:
        return {}  # told by the check of models
