"""Groups of bundles that Ray reserves as a whole, and where they would sit on a cluster. Pure.

Role: ``settle`` gives each bundle a node and GPUs of its own, as Ray would.
Collaborators: ``planner`` makes the groups; ``actors.placement`` makes Ray's placement groups of them.
Invariants:
- A bundle lies on one node, and has its GPUs for itself.
- What one actor may leave behind is a group of its own; ranks, which leave together, are one group.
- CPUs are not claimed: actors of a stage take turns on them, and a claim could only leave one unscheduled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from psyche_rl.placement.cluster_shape import ClusterShape

Strategy = Literal["PACK", "STRICT_PACK"]


@dataclass(frozen=True)
class BundleGroup:
    """``reservations``: GPUs of each. PACK: on few nodes; STRICT_PACK: all on one."""

    name: str
    bundles: tuple[int, ...]
    strategy: Strategy = "PACK"

    @property
    def gpus(self) -> int:
        """Of all bundles."""
        return sum(self.bundles)


@dataclass(frozen=True)
class Spot:
    """Where a bundle lies: a node by its number in the cluster's shape, and GPUs of it."""

    node: int
    gpus: tuple[int, ...]


Spots = dict[str, tuple[Spot, ...]]
"""BundleGroup -> a spot for each of its bundles."""


@dataclass(frozen=True)
class Seat:
    """One actor, and the bundles of a group that it sits in."""

    role: str
    number: int
    group: str
    bundles: tuple[int, ...]
    share: float = 1.0
    """Of each GPU of these bundles."""


def settle(groups: Sequence[BundleGroup], shape: ClusterShape) -> Spots | None:
    """A spot for every bundle, or None where there is no room.

    Groups that spread are kept together first, for the sake of their links, and last where that leaves no
    node wide enough for the others.
    """
    spreading = [group for group in groups if _spreads(group)]
    rigid = sorted((g for g in groups if not _spreads(g)), key=lambda g: -g.gpus)
    return _in_turn([*spreading, *rigid], shape) or _in_turn([*rigid, *spreading], shape)


def _spreads(group: BundleGroup) -> bool:
    return group.strategy == "PACK" and len(group.bundles) > 1


def _in_turn(groups: Sequence[BundleGroup], shape: ClusterShape) -> Spots | None:
    free = [list(range(node.gpus)) for node in shape.nodes]
    spots: Spots = {}
    for group in groups:
        found = _spots_of(group, free)
        if found is None:
            return None
        spots[group.name] = tuple(found)
    return spots


def _spots_of(group: BundleGroup, free: list[list[int]]) -> list[Spot] | None:
    """Takes the GPUs out of ``free``: of the tightest node that holds all, else of the emptiest in turn."""
    wide_enough = [n for n, left in enumerate(free) if len(left) >= group.gpus]
    if wide_enough:
        node = min(wide_enough, key=lambda n: len(free[n]))
        return [Spot(node, _take(free[node], gpus)) for gpus in group.bundles]
    if not _spreads(group):
        return None
    found: list[Spot] = []
    for gpus in group.bundles:
        last = [found[-1].node] if found and len(free[found[-1].node]) >= gpus else []
        node = (last or sorted(range(len(free)), key=lambda n: -len(free[n])) or [-1])[0]
        if node < 0 or len(free[node]) < gpus:
            return None
        found.append(Spot(node, _take(free[node], gpus)))
    return found


def _take(left: list[int], count: int) -> tuple[int, ...]:
    taken = tuple(left[:count])
    del left[:count]
    return taken
