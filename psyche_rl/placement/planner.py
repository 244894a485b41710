"""The plan of a stage on a cluster, or a refusal in one line, before anything is loaded. Pure.

Role: puts together how many (``counts``), who sits with whom (``seating``), where (``reservations``), and
what is held there (``holding``).
Collaborators: ``launch`` prints plans and refuses by them; ``actors.placement`` makes Ray reserve them.
Invariants:
- Every actor of the stage has one seat, and no device has more than it can hold, as far as sizes are known.
- What is not known (a model that is not on this machine, a device's memory) is said, and refuses nothing.
- With stated numbers a larger cluster never refuses what a smaller one took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from psyche_rl.config import RunConfig
from psyche_rl.config.rollout_workers import ElasticWorkers
from psyche_rl.config.selection import is_remote
from psyche_rl.errors import PlacementError
from psyche_rl.placement.cluster_shape import ClusterShape, Node, pretended
from psyche_rl.placement.counts import engines_that_fit, with_counts
from psyche_rl.placement.holding import Device, Held, on_devices, on_hosts
from psyche_rl.placement.model_size import ModelSize, model_size
from psyche_rl.placement.refusals import (
    no_gpu,
    refuse_full_devices,
    refuse_full_hosts,
    too_few,
    too_narrow,
    uneven,
)
from psyche_rl.placement.reservations import BundleGroup, Seat, Spots, settle
from psyche_rl.placement.seating import seating, single
from psyche_rl.stages import STAGES
from psyche_rl.stages.demand import Demand, demands
from psyche_rl.stages.membership import in_run

_LESS_FOR_ENGINES = (0.5, 0.4, 0.3)
"""Shares of a GPU's memory to be proposed for engines that have to leave a rank room."""


@dataclass(frozen=True)
class StagePlan:
    """Who sits where. ``config`` has a number for every ``auto`` of the stage."""

    stage: str
    config: RunConfig
    shape: ClusterShape
    """The cluster that it is made for: as it is, or grown as far as it takes."""
    grows: int
    """GPUs that an autoscaler must add first."""
    groups: tuple[BundleGroup, ...]
    seats: tuple[Seat, ...]
    spots: Spots = field(default_factory=dict)
    devices: Mapping[Device, Held] = field(default_factory=dict)
    hosts: Mapping[int, Held] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """What could not be planned, a line each."""

    @property
    def on_gpu(self) -> bool:
        """Whether GPUs are reserved."""
        return bool(self.groups)

    def seats_of(self, role: str) -> tuple[Seat, ...]:
        """All seats of a role, by their numbers."""
        return tuple(seat for seat in self.seats if seat.role == role)

    def joiner(self, role: str, number: int, gpus: int) -> tuple[BundleGroup, Seat]:
        """BundleGroup and seat of one more worker, which comes while the stage runs."""
        return single(self.stage, role, number, gpus)


def plan_stage(stage: str, config: RunConfig, shape: ClusterShape) -> StagePlan:
    """The plan of ``stage`` on ``shape``.

    Raises:
        PlacementError: it does not fit; the problem names the key, what is wrong and what would fit.
    """
    shape = _with_growth(config, shape)
    if config.device == "cpu":
        shape = _without_gpus(shape)
    elif config.device == "gpu" and not shape.may_grow_to:
        raise PlacementError(no_gpu(stage))
    if stage != "grpo":
        return _plan(stage, config, shape, "split")
    refused: list[PlacementError] = []
    for placement in _placements(config, shape):
        try:
            return _plan(stage, config, shape, placement)
        except PlacementError as error:
            refused.append(error)
    raise refused[0]


def plan_stages(
    stages: Sequence[str], config: RunConfig, shape: ClusterShape
) -> tuple[list[StagePlan], list[PlacementError]]:
    """The plans of all stages that take processes, and the refusals of those that do not fit."""
    plans, refused = [], []
    for stage in stages:
        if not STAGES[stage].devices or not in_run(stage, config):
            continue
        try:
            plan = plan_stage(stage, config, shape)
        except PlacementError as error:
            refused.append(error)
        else:
            plans += [plan] if plan.seats else []
    return plans, refused


def _plan(stage: str, config: RunConfig, shape: ClusterShape, placement: str) -> StagePlan:
    size, unknown = _size(stage, config)
    pools = _selectors(config) if stage == "select" else 1
    full = with_counts(config, stage, shape, size, placement, pools)
    colocated = stage == "grpo" and placement == "colocated"
    wanted = demands(STAGES[stage], full)
    if stage == "select" and wanted:
        wanted = _of_all_selectors(wanted, shape, pools)
    if colocated and (problem := uneven(full)):
        raise PlacementError(problem)
    gpus = shape.gpus or shape.may_grow_to
    groups, seats = seating(stage, wanted, gpus, colocated)
    if not groups:
        hosts = on_hosts(full, stage, size, seats, {}, shape) if size else {}
        plan = StagePlan(stage, full, shape, 0, (), seats, hosts=hosts, unknown=unknown)
        refuse_full_hosts(plan.stage, plan.hosts, _as_one_host(shape))
        return plan
    on = next((each for each in (shape, shape.grown) if settle(groups, each) is not None), None)
    if on is None:
        needed = sum(group.gpus for group in groups)
        if needed > shape.may_grow_to:
            fitting = [] if stage != "grpo" or colocated else _fitting_if_shared(config, shape)
            raise PlacementError(too_few(stage, full, wanted, needed, shape, fitting))
        raise PlacementError(too_narrow(stage, full, wanted, shape))
    spots = settle(groups, on) or {}
    grows = 0 if on is shape else max(1, sum(group.gpus for group in groups) - shape.gpus)
    devices = on_devices(full, stage, size, seats, spots, on) if size else {}
    hosts = on_hosts(full, stage, size, seats, spots, on) if size else {}
    refuse_full_devices(stage, devices, on)
    refuse_full_hosts(stage, hosts, on)
    if size and not all(on.nodes[node].gpu_gib for node, _ in devices):
        unknown = (*unknown, f"{stage}: whether it fits the GPUs, whose memory is not known")
    return StagePlan(stage, full, on, grows, groups, seats, spots, devices, hosts, unknown)


def _placements(config: RunConfig, shape: ClusterShape) -> tuple[str, ...]:
    """What to try, the best first."""
    grpo = config.grpo
    if grpo.placement != "auto":
        return (grpo.placement,)
    numbers = (grpo.rollout_workers, grpo.ranks, grpo.engine.tensor_parallel_size)
    if not shape.may_grow_to or grpo.staleness or isinstance(grpo.rollout_workers, ElasticWorkers):
        return ("split",)
    workers, ranks, parallel = (number if isinstance(number, int) else 0 for number in numbers)
    if workers and ranks and parallel and workers * parallel != ranks:
        return ("split",)
    return ("colocated", "split")


def _fitting_if_shared(config: RunConfig, shape: ClusterShape) -> list[tuple[str, int]]:
    """What to set so that ``grpo`` fits with ranks and engines on the same GPUs, and the GPUs it then takes.

    The least change first: engines that were sized for a GPU of their own may have to leave the learner room.
    """
    shared: dict[str, object] = {"placement": "colocated"}
    changes = [({"grpo.placement=colocated"}, shared)]
    paired = isinstance(config.grpo.rollout_workers, int) and isinstance(config.grpo.ranks, int)
    if not paired or config.grpo.rollout_workers != config.grpo.ranks:
        shared = {**shared, "rollout_workers": "auto"}
        changes.append(({"grpo.placement=colocated", "grpo.rollout_workers=auto"}, shared))
    if config.grpo.reference_in_pool:
        shared = {**shared, "reference_workers": 0}
        changes.append(({*changes[-1][0], "grpo.reference_workers=0"}, shared))
    for share in (config.grpo.engine.gpu_memory_utilization, *_LESS_FOR_ENGINES):
        engine = config.grpo.engine.model_copy(update={"gpu_memory_utilization": share})
        changed = (
            {f"grpo.engine.gpu_memory_utilization={share}"} if share in _LESS_FOR_ENGINES else set[str]()
        )
        for said, change in changes:
            grpo = config.grpo.model_copy(update={**change, "engine": engine})
            try:
                plan = _plan("grpo", config.model_copy(update={"grpo": grpo}), shape, "colocated")
            except PlacementError:
                continue
            *first, last = sorted({*said, *changed}, key=lambda key: ("placement" not in key, key))
            text = f"{', '.join(first)} and {last}" if first else last
            return [(text, sum(group.gpus for group in plan.groups))]
    return []


def _of_all_selectors(wanted: Sequence[Demand], shape: ClusterShape, pools: int) -> tuple[Demand, ...]:
    """As many engines of all selectors together as there is room for, and at least those of one."""
    (demand,) = wanted
    if shape.may_grow_to:
        room = engines_that_fit(shape if shape.gpus else shape.grown, demand.each)
    else:
        room = shape.cpus + 1  # starting an engine waits on the disk, generating does not
    return (replace(demand, processes=max(demand.processes, min(room, pools * demand.processes))),)


def _selectors(config: RunConfig) -> int:
    """That are models to load."""
    named = sum(not is_remote(name) for name in config.select.selectors)
    return max(1, named if config.select.selectors or config.mini is None else len(config.mini.selectors))


def _size(stage: str, config: RunConfig) -> tuple[ModelSize | None, tuple[str, ...]]:
    """Of the largest model that the stage loads, and what is not known of them."""
    models: Sequence[str | None] = (config.model,)
    if stage == "synth":
        models = (config.teacher.model,) if config.teacher.engine == "vllm" else ()
    elif stage == "select" and config.select.selectors:
        models = [name for name in config.select.selectors if not is_remote(name)]
    elif stage == "eval" and config.eval.judge_on_engines:
        models = (config.model, config.eval.judge_on_engines)
    elif stage in ("world", "select"):
        models = (None,)
    mini = config.mini.model if config.mini is not None else None
    lora = config.lora if stage in ("sft", "grpo") else None
    sizes = {str(model): model_size(model, mini, lora) for model in models}
    known = [size for size in sizes.values() if size is not None]
    unknown = tuple(
        f"{stage}: whether {name} fits the memory; its config is not on this machine"
        for name, size in sizes.items()
        if size is None and name != "None"
    )
    return max(known, key=lambda size: size.parameters, default=None), unknown


def _with_growth(config: RunConfig, shape: ClusterShape) -> ClusterShape:
    """What the user says of the autoscaler counts where the cluster itself says nothing."""
    told = config.cluster.may_add
    return shape if told is None or shape.may_add else replace(shape, may_add=pretended(told).nodes)


def _as_one_host(shape: ClusterShape) -> ClusterShape:
    """Without GPUs Ray spreads the actors over the hosts as it likes."""
    return ClusterShape((Node(host_gib=sum(node.host_gib for node in shape.nodes)),))


def _without_gpus(shape: ClusterShape) -> ClusterShape:
    return ClusterShape(tuple(replace(node, gpus=0) for node in shape.nodes))
