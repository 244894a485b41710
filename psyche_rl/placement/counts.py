"""From ``auto`` to numbers: how many ranks, workers and engines a stage has on a given cluster. Pure.

Collaborators: ``planner`` asks for each stage; the stage then reads the numbers from the plan's config.
Invariants:
- What the user states as a number stays as it is.
- Numbers are made for the GPUs that are there; for those that may come only where there are none yet.
- On a machine without GPUs they do not depend on the machine, so that a config computes the same on all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psyche_rl.config import RunConfig
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.keys import value_at
from psyche_rl.config.rollout_workers import ElasticWorkers
from psyche_rl.placement.cluster_shape import GIB, ClusterShape
from psyche_rl.placement.memory import engine_terms, total
from psyche_rl.placement.model_size import ModelSize

ON_CPU: Mapping[str, int] = {
    # Two of what trains together: both cores of the smallest machine, and every path of more than one.
    "sft.ranks": 2,
    "grpo.ranks": 2,
    "grpo.rollout_workers": 2,
    "select.engines_per_selector": 1,
    "eval.workers": 1,
    "teacher.vllm_engines": 1,
}
_ENGINES = {
    # Key of a number of engines -> the section of their settings.
    "teacher.vllm_engines": "teacher.vllm",
    "select.engines_per_selector": "select.engine",
    "eval.workers": "eval.engine",
}
_STAGE_ENGINES = {
    "synth": "teacher.vllm_engines", "select": "select.engines_per_selector", "eval": "eval.workers",
}  # fmt: skip


def with_counts(
    config: RunConfig, stage: str, shape: ClusterShape, size: ModelSize | None, placement: str, pools: int = 1
) -> RunConfig:
    """``config`` with a number in place of every ``auto`` of ``stage``.

    Args:
        shape: without GPUs where the run is to use none.
        size: of the model that the stage's engines serve, where it is known.
        placement: of the ranks and engines of ``grpo``: split or colocated.
        pools: selectors, each of which has a pool and leaves the others room for an engine.
    """
    there = shape if shape.gpus else shape.grown
    if stage == "sft":
        ranks = value_at(config, "sft.ranks")
        return _with(config, {"sft.ranks": _number(ranks, there.gpus or ON_CPU["sft.ranks"])})
    if stage == "grpo":
        return _with(config, _grpo(config.grpo, there, size, placement))
    if stage not in _STAGE_ENGINES:
        return config
    key = _STAGE_ENGINES[stage]
    section = _ENGINES[key]
    parallel = _parallel(value_at(config, section), there, size, section)
    room = engines_that_fit(there, parallel)
    room = room + 1 - min(pools, max(1, room)) if there.gpus else ON_CPU[key]
    given = value_at(config, key)
    return _with(config, {key: _number(given, max(1, room)), f"{section}.tensor_parallel_size": parallel})


def engines_that_fit(shape: ClusterShape, parallel: int, beside: int = 0) -> int:
    """Engines of ``parallel`` GPUs on one node each, where ``beside`` GPUs anywhere are taken."""
    return max(0, min(sum(node.gpus // parallel for node in shape.nodes), (shape.gpus - beside) // parallel))


def _grpo(grpo: GrpoConfig, there: ClusterShape, size: ModelSize | None, placement: str) -> dict[str, Any]:
    parallel = _parallel(grpo.engine, there, size, "grpo.engine")
    references = grpo.reference_workers if grpo.reference_in_pool else 0
    if placement == "colocated":
        ranks, workers = _colocated(grpo, there, parallel, references)
    elif there.gpus:
        ranks, workers = _split(grpo, there, parallel, references)
    else:
        ranks, workers = _without_gpus(grpo)
    return {
        "grpo.placement": placement,
        "grpo.ranks": ranks,
        "grpo.rollout_workers": workers,
        "grpo.engine.tensor_parallel_size": parallel,
    }


def _colocated(grpo: GrpoConfig, there: ClusterShape, parallel: int, references: int) -> tuple[int, int]:
    """As many ranks as shards of engines."""
    if isinstance(grpo.ranks, int):
        return grpo.ranks, max(1, grpo.ranks // parallel)
    if isinstance(grpo.rollout_workers, int):
        return grpo.rollout_workers * parallel, grpo.rollout_workers
    room = engines_that_fit(there, parallel, references) if there.gpus else ON_CPU["grpo.rollout_workers"]
    return max(1, room) * parallel, max(1, room)


def _split(grpo: GrpoConfig, there: ClusterShape, parallel: int, references: int) -> tuple[int, int]:
    """What is stated comes first; where nothing is, ranks and engines have half of the GPUs each."""
    stated = grpo.rollout_workers
    least = stated.min if isinstance(stated, ElasticWorkers) else _number(stated, 1)
    left = there.gpus - references
    half = left if isinstance(stated, int) else left // 2
    ranks = _number(grpo.ranks, max(1, min(half, left - least * parallel)))
    room = engines_that_fit(there, parallel, ranks + references)
    if isinstance(stated, ElasticWorkers):
        return ranks, stated.at_start(room)
    return ranks, _number(stated, max(1, room))


def _without_gpus(grpo: GrpoConfig) -> tuple[int, int]:
    stated = grpo.rollout_workers
    workers = (
        stated.min if isinstance(stated, ElasticWorkers) else _number(stated, ON_CPU["grpo.rollout_workers"])
    )
    return _number(grpo.ranks, ON_CPU["grpo.ranks"]), workers


def _parallel(engine: EngineConfig, there: ClusterShape, size: ModelSize | None, section: str) -> int:
    """The fewest GPUs of one node whose memory holds the engine; 1 where a size is not known."""
    if isinstance(engine.tensor_parallel_size, int):
        return engine.tensor_parallel_size
    device = max((int(node.gpu_gib * GIB) for node in there.nodes), default=0)
    widest = max((node.gpus for node in there.nodes), default=1)
    parallel = 1
    while size is not None and device and 2 * parallel <= widest:
        room = device if engine.kv_cache_mib else int(engine.gpu_memory_utilization * device)
        if total(engine_terms(size, engine, parallel, device, section)) <= room:
            break
        parallel *= 2
    return parallel


def _number(given: Any, automatic: int) -> int:
    return given if isinstance(given, int) else automatic


def _with(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """Not checked again: what contradicts is the planner's to refuse, by its own words."""
    for key, value in values.items():
        config = _set(config, key.split("."), value)
    return config


def _set(section: Any, path: list[str], value: Any) -> Any:
    name, *rest = path
    inner = _set(getattr(section, name), rest, value) if rest else value
    return section.model_copy(update={name: inner})
