"""Why a stage does not fit a cluster, each as a problem with a key and a remedy. Pure.

Collaborators: ``planner`` raises them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.errors import PlacementError
from psyche_rl.placement.cluster_shape import GIB, ClusterShape
from psyche_rl.placement.holding import Device, Held
from psyche_rl.placement.memory import PROCESSES, Term, Terms
from psyche_rl.problem import ABSENT, Problem
from psyche_rl.stages.demand import Demand

_SHOWN = 3
"""Terms that are named, the largest."""
_RAISE = (".ranks", ".tensor_parallel_size")


def no_gpu(stage: str) -> Problem:
    """GPUs are asked for, and there will be none."""
    return Problem(
        "device", "gpu", f"{stage}: the cluster has no GPU and may not grow one", "give device=auto or cpu"
    )


def too_few(
    stage: str,
    config: RunConfig,
    wanted: Sequence[Demand],
    needed: int,
    shape: ClusterShape,
    fitting: Sequence[tuple[str, int]],
) -> Problem:
    """``fitting``: what to set, and the GPUs that it then takes."""
    most = max(wanted, key=lambda demand: demand.gpus)
    wrong = f"{stage} needs {needed} GPUs, the cluster has {shape.gpus} and may grow to {shape.may_grow_to}"
    keys = [key for demand in wanted for key in (demand.key, demand.each_key) if key]
    remedy = f"lower {_listed(dict.fromkeys(keys))}, or run it on a larger cluster"
    for said, gpus in fitting:
        remedy = f"with {said} {gpus} are enough"
    return Problem(most.key, _shown(config, most.key), wrong, remedy)


def too_narrow(stage: str, config: RunConfig, wanted: Sequence[Demand], shape: ClusterShape) -> Problem:
    """There are GPUs enough, and not enough of them on one node."""
    widest = max(wanted, key=lambda demand: demand.each)
    wrong = (
        f"{stage}: the {widest.each} GPUs of one {widest.role} must be on one node, and no placement of "
        f"{widest.processes} such on nodes of at most {shape.widest} GPUs leaves room for the rest"
    )
    return Problem(
        widest.each_key,
        _shown(config, widest.each_key),
        wrong,
        f"lower {_listed([key for key in (widest.each_key, widest.key) if key])}",
    )


def uneven(config: RunConfig) -> Problem | None:
    """Ranks and shards of engines that do not pair."""
    grpo, parallel = config.grpo, config.grpo.engine.parallel
    if grpo.rollout_workers * parallel == grpo.ranks:  # type: ignore[operator]
        return None
    wrong = (
        f"grpo: {grpo.ranks} ranks do not share their GPUs evenly with {grpo.rollout_workers} engines of "
        f"{parallel} GPUs"
    )
    return Problem("grpo.ranks", grpo.ranks, wrong, "give as many ranks as shards of engines, or auto")


def refuse_full_devices(stage: str, devices: Mapping[Device, Held], shape: ClusterShape) -> None:
    """Nothing where each device holds what it should.

    Raises:
        PlacementError: a device would hold more than it has.
    """
    for (node, gpu), held in devices.items():
        has = int(shape.nodes[node].gpu_gib * GIB)
        if has:
            _refuse_if_full(f"{stage}: GPU {gpu} of node {node}", held, has)


def refuse_full_hosts(stage: str, hosts: Mapping[int, Held], shape: ClusterShape) -> None:
    """Nothing where each host holds what it should.

    What processes take beside a model is a guess, and is left out.

    Raises:
        PlacementError: a host would hold more than it has.
    """
    for node, held in hosts.items():
        has = int(shape.nodes[node].host_gib * GIB)
        if has:
            counted = tuple((role, _counted(terms)) for role, terms in held)
            _refuse_if_full(f"{stage}: the host of node {node}", counted, has)


def _refuse_if_full(where: str, held: Held, has: int) -> None:
    terms = _merged(held)
    needed = sum(term.size for term in terms)
    if needed <= has:
        return
    largest = sorted(terms, key=lambda term: -term.size)[:_SHOWN]
    said = ", ".join(f"{term.what} {term.size / GIB:.1f}" for term in largest)
    wrong = f"{where} would hold {needed / GIB:.1f} GiB and has {has / GIB:.1f}; the largest are {said}"
    keys = dict.fromkeys(term.key for term in sorted(terms, key=lambda term: -term.size) if term.key)
    key = next(iter(keys), "")
    raise PlacementError(Problem(key, ABSENT, wrong, _turned(list(keys)[:_SHOWN])))


def _counted(terms: Terms) -> Terms:
    return tuple(term for term in terms if term.what != PROCESSES)


def _merged(held: Held) -> list[Term]:
    """One term for all of a role that are alike."""
    sums: dict[tuple[str, str], int] = {}
    for role, terms in held:
        for term in terms:
            name = (f"{role}'s {term.what}", term.key)
            sums[name] = sums.get(name, 0) + term.size
    return [Term(what, size, key) for (what, key), size in sums.items()]


def _turned(keys: Sequence[str]) -> str:
    """``raise grpo.ranks, or lower grpo.engine.kv_cache_mib``."""
    up = [key for key in keys if key.endswith(_RAISE)]
    on = [key for key in keys if key.endswith(".gradient_checkpointing")]
    down = [key for key in keys if key not in {*up, *on}]
    said = [
        f"{verb} {_listed(some)}"
        for verb, some in (("switch on", on), ("raise", up), ("lower", down))
        if some
    ]
    return ", or ".join(said) or "give a larger machine"


def _listed(names: Sequence[str] | Mapping[str, None]) -> str:
    *first, last = list(names) or ["what it takes"]
    return f"{', '.join(first)} or {last}" if first else last


def _shown(config: RunConfig, key: str) -> object:
    return value_at(config, key) if key else ABSENT
