"""Who sits with whom: the groups of a stage and its actors' seats in them, from what the stage demands. Pure.

Collaborators: ``psyche_rl.stages.demand`` (how many of what), ``reservations`` (what a group is).
Invariants:
- Every process of every demand has one seat.
- The shares of a bundle's seats add up to at most 1 for each GPU.
- A joiner's group is made as those of the workers that were there from the start.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.placement.reservations import BundleGroup, Seat
from psyche_rl.stages.demand import Demand

TOGETHER = ("learner",)
"""Roles whose members come and go together, in one group."""
HALF = 0.5
"""Of a GPU, for a rank and for a shard of an engine that share it."""
Seating = tuple[tuple[BundleGroup, ...], tuple[Seat, ...]]


def seating(stage: str, wanted: Sequence[Demand], gpus: int, colocated: bool) -> Seating:
    """Groups in the order in which they are made, and seats in the order of roles and numbers.

    Args:
        gpus: of the cluster; 0: nothing is reserved, and actors share the cores.
        colocated: learner and rollout workers share their GPUs.
    """
    if not gpus:
        return (), tuple(Seat(d.role, n, "", (), 0.0) for d in wanted for n in range(d.processes))
    groups: list[BundleGroup] = []
    seats: list[Seat] = []
    for demand in wanted:
        if colocated and demand.role == "learner":
            continue
        if colocated and demand.role == "rollout worker":
            found = _shared(stage, demand)
        elif not demand.alone:
            found = _side_by_side(stage, demand, gpus)
        elif demand.role in TOGETHER:
            group = BundleGroup(f"{stage} {demand.role}", (demand.each,) * demand.processes)
            found = (group,), tuple(Seat(demand.role, n, group.name, (n,)) for n in range(demand.processes))
        else:
            each = [single(stage, demand.role, n, demand.each) for n in range(demand.processes)]
            found = tuple(group for group, _ in each), tuple(seat for _, seat in each)
        groups += found[0]
        seats += found[1]
    return tuple(groups), tuple(seats)


def single(stage: str, role: str, number: int, gpus: int) -> tuple[BundleGroup, Seat]:
    """A group of its own, for an actor that may come and go by itself."""
    group = BundleGroup(single_name(stage, role, number), (gpus,))
    return group, Seat(role, number, group.name, (0,))


def single_name(stage: str, role: str, number: int) -> str:
    """Of such a group."""
    return f"{stage} {role} {number}"


def _shared(stage: str, engines: Demand) -> Seating:
    """One rank and one shard of an engine on each GPU; the shards of an engine are on one node."""
    count, parallel = engines.processes, engines.each
    name = f"{stage} ranks and engines"
    if parallel == 1:
        groups: tuple[BundleGroup, ...] = (BundleGroup(name, (1,) * count),)
    else:
        groups = tuple(BundleGroup(f"{name} {n}", (1,) * parallel, "STRICT_PACK") for n in range(count))

    def shards(engine: int) -> tuple[str, tuple[int, ...]]:
        if parallel == 1:
            return groups[0].name, (engine,)
        return groups[engine].name, tuple(range(parallel))

    ranks = [
        Seat("learner", engine * parallel + place, group, (bundle,), HALF)
        for engine in range(count)
        for group, bundles in (shards(engine),)
        for place, bundle in enumerate(bundles)
    ]
    workers = [Seat(engines.role, engine, *shards(engine), HALF) for engine in range(count)]
    return groups, (*ranks, *workers)


def _side_by_side(stage: str, demand: Demand, gpus: int) -> Seating:
    """Small processes that share GPUs where there are fewer than they are."""
    used = min(gpus, demand.processes)
    share = 1 / -(-demand.processes // used)
    groups = [BundleGroup(f"{stage} {demand.role} {n}", (1,)) for n in range(used)]
    seats = [Seat(demand.role, n, groups[n % used].name, (0,), share) for n in range(demand.processes)]
    return tuple(groups), tuple(seats)
