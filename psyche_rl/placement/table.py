"""A plan as rows to be read: who sits where, and what is held there. Pure.

Collaborators: ``launch`` prints the rows; ``docs/cluster.md`` holds those of the presets.
Invariant: devices that hold the same stand in one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from psyche_rl.placement.cluster_shape import GIB
from psyche_rl.placement.holding import Held, spots_of, summed
from psyche_rl.placement.memory import total
from psyche_rl.placement.planner import StagePlan

COLUMNS = ("stage", "where", "who", "memory (GiB)", "of it")
_TERMS = 4
"""Of a row, the largest."""
_LEAST = GIB // 20
"""Of a term that is shown: less would read 0.0."""


class Row(NamedTuple):
    """One line of the table, a cell for each of ``COLUMNS``."""

    stage: str
    where: str
    who: str
    memory: str
    terms: str


def rows(plan: StagePlan) -> list[Row]:
    """Devices first, then hosts."""
    return [*_device_rows(plan), *_host_rows(plan)]


def _device_rows(plan: StagePlan) -> list[Row]:
    sitting: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for seat in plan.seats:
        for spot in spots_of(seat, plan.spots):
            for gpu in spot.gpus:
                sitting.setdefault((spot.node, gpu), []).append((seat.role, seat.number))

    def kind(device: tuple[int, int]) -> tuple[int, tuple[str, ...], int]:
        held = plan.devices.get(device, ())
        return device[0], tuple(role for role, _ in sitting[device]), sum(total(terms) for _, terms in held)

    made = []
    for (node, _, _), group in groupby(sorted(sitting), key=kind):
        devices = list(group)
        held = plan.devices.get(devices[0], ())
        seats = dict.fromkeys(seat for device in devices for seat in sitting[device])
        where = f"node {node}, GPU{'s' * (len(devices) > 1)} {_span([gpu for _, gpu in devices])}"
        made.append(_row(plan, where, _who(list(seats)), held, plan.shape.nodes[node].gpu_gib))
    return made


def _host_rows(plan: StagePlan) -> list[Row]:
    """One for each host; on a machine without GPUs all seats are there."""
    if not plan.hosts and not plan.on_gpu:
        return [_row(plan, "host", _who([(s.role, s.number) for s in plan.seats]), (), 0.0)]
    made = []
    for node, held in plan.hosts.items():
        who = ", ".join(dict.fromkeys(role for role, _ in held))
        if not plan.on_gpu:
            who = _who([(s.role, s.number) for s in plan.seats])
        made.append(_row(plan, f"node {node}, host", who, held, plan.shape.nodes[node].host_gib))
    return made


def _row(plan: StagePlan, where: str, who: str, held: Held, has: float) -> Row:
    needed = sum(summed(held).values())
    memory = f"{needed / GIB:.1f}" if held else "not known"
    return Row(plan.stage, where, who, f"{memory} of {has:.0f}" if has and held else memory, _largest(held))


def _largest(held: Held) -> str:
    sums: dict[str, int] = {}
    for role, terms in held:
        for term in terms:
            sums[f"{role}: {term.what}"] = sums.get(f"{role}: {term.what}", 0) + term.size
    first = sorted(sums.items(), key=lambda one: -one[1])[:_TERMS]
    return ", ".join(f"{what} {size / GIB:.1f}" for what, size in first if size >= _LEAST)


def _who(seats: Sequence[tuple[str, int]]) -> str:
    """``learner 0–7, rollout worker 0–7``."""
    numbers: dict[str, list[int]] = {}
    for role, number in seats:
        numbers.setdefault(role, []).append(number)
    return ", ".join(f"{role} {_span(sorted(found))}" for role, found in numbers.items())


def _span(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 1 and list(numbers) == list(range(first, last + 1)):
        return f"{first}–{last}"
    return ", ".join(map(str, numbers))
