"""The places of a stage's plan, reserved on the live cluster.

Role: one placement group of Ray for each group of the plan, waited for with a short deadline; then a
:class:`Place` for each seat, and for workers that join later.
Collaborators: ``psyche_rl.placement.planner`` made the plan; ``autoscaler`` is told of what must grow.
Invariants:
- Either all places of the plan are there, or none is kept and the error says what has none.
- Places are given back when the stage ends, however it ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.placement_group import placement_group, remove_placement_group

from actors.placement.autoscaler import Autoscaler, to_coordinator
from actors.placement.live_cluster import live_state
from actors.placement.place import Place
from psyche_rl.config import RunConfig
from psyche_rl.config.cluster import ClusterConfig
from psyche_rl.errors import RemoteWaitError
from psyche_rl.placement.planner import StagePlan
from psyche_rl.placement.reservations import BundleGroup, Seat
from psyche_rl.placement.seating import single_name

PHASE = "place"


class Places:
    """Of one stage; made by :func:`reserved`."""

    def __init__(self, plan: StagePlan, autoscaler: Autoscaler) -> None:
        self.plan = plan
        self._autoscaler = autoscaler
        self._groups: dict[str, Any] = {}

    @property
    def config(self) -> RunConfig:
        """With a number for every ``auto`` of the stage."""
        return self.plan.config

    def of(self, role: str) -> tuple[Place, ...]:
        """Of all actors of a role that the stage begins with, by their numbers."""
        return tuple(self._place(seat) for seat in self.plan.seats_of(role))

    def joiner(self, role: str, number: int, gpus: int) -> Place:
        """Of one more, reserved now: a group of its own with ``gpus``, of which it has all.

        Raises:
            RemoteWaitError: there is no room for it in time.
        """
        if not self.plan.on_gpu:
            return Place()
        group, seat = self.plan.joiner(role, number, gpus)
        if group.name not in self._groups:
            self.make([group])
            self.wait([group], self.plan.config.cluster)
        return self._place(seat)

    def room(self, gpus: int) -> int:
        """Workers of ``gpus`` each that there is room for now, or may be where the cluster grows."""
        free = live_state().available_resources_per_node()
        there = sum(int(node.get("GPU", 0)) // gpus for node in free.values())
        return there + sum(node.gpus // gpus for node in self.plan.shape.may_add)

    def leave(self, role: str, number: int) -> None:
        """Give back the place of an actor that has a group of its own; harmless if there is none."""
        name = single_name(self.plan.stage, role, number)
        if (group := self._groups.pop(name, None)) is not None:
            remove_placement_group(group)
        self._autoscaler.release(name)

    def make(self, groups: Sequence[BundleGroup]) -> None:
        """Ask Ray for ``groups``, in this order; returns at once."""
        grows = bool(self.plan.grows or self.plan.shape.may_add)
        for group in groups:
            bundles = [{"GPU": float(gpus)} for gpus in group.bundles]
            self._groups[group.name] = placement_group(bundles, strategy=group.strategy, name=group.name)
            if grows:
                self._autoscaler.claim(group.name, bundles)

    def wait(self, groups: Sequence[BundleGroup], patience: ClusterConfig) -> None:
        """Until all ``groups`` have their places.

        Raises:
            RemoteWaitError: some have none; all of ``groups`` are given back.
        """
        seconds, key = (patience.wait_s, "cluster.wait_s")
        if self.plan.grows:
            seconds, key = (patience.grow_wait_s, "cluster.grow_wait_s")
        end = time.monotonic() + seconds
        pending = [
            group for group in groups if not self._groups[group.name].wait(max(0.0, end - time.monotonic()))
        ]
        if pending:
            told = _nobody_has(pending, groups, seconds) + f", or raise {key}"
            for group in groups:
                remove_placement_group(self._groups.pop(group.name))
                self._autoscaler.release(group.name)
            raise RemoteWaitError(self.plan.stage, PHASE, None, told)

    def close(self) -> None:
        """Give everything back."""
        for group in self._groups.values():
            remove_placement_group(group)
        self._groups.clear()
        self._autoscaler.close()

    def _place(self, seat: Seat) -> Place:
        if not seat.group:
            return Place()
        group = self._groups[seat.group]
        if len(seat.bundles) == 1:
            gpus = group.bundle_specs[seat.bundles[0]]["GPU"] * seat.share
            return Place(gpus, group, seat.bundles[0])
        # vLLM's executor over Ray puts a shard into each of these bundles; the actor itself needs no device.
        env = {
            "VLLM_RAY_PER_WORKER_GPUS": str(seat.share),
            "VLLM_RAY_BUNDLE_INDICES": ",".join(map(str, seat.bundles)),
        }
        return Place(0.0, group, seat.bundles[0], env, spans=True)


@contextmanager
def reserved(plan: StagePlan, autoscaler: Autoscaler | None = None) -> Iterator[Places]:
    """The places of ``plan``, for as long as the context lasts.

    Raises:
        RemoteWaitError: some of them are not there within ``cluster.wait_s``, or within
            ``cluster.grow_wait_s`` where the cluster must grow first.
    """
    requester = f"psyche-rl {plan.stage} {ray.get_runtime_context().get_job_id()}"
    places = Places(plan, autoscaler or Autoscaler(to_coordinator(requester)))
    try:
        by_name = {group.name: group for group in plan.groups}
        ordered = [by_name[name] for name in plan.spots]  # as they were settled
        places.make(ordered)
        places.wait(ordered, plan.config.cluster)
        yield places
    finally:
        places.close()


def _nobody_has(pending: Sequence[BundleGroup], asked: Sequence[BundleGroup], seconds: float) -> str:
    """``3 of 8 'rollout worker' have no place within 60 s: each needs 1 GPU; free are 5 GPUs``."""
    told = []
    kinds = dict.fromkeys(_kind(group) for group in pending)
    for kind in kinds:
        some = [group for group in pending if _kind(group) == kind]
        of = sum(_kind(group) == kind for group in asked)
        gpus = "GPU" if some[0].gpus == 1 else "GPUs"
        together = " on one node" if some[0].gpus > 1 and len(some[0].bundles) == 1 else ""
        if of == 1:
            told.append(f"'{some[0].name}' has no place: it needs {some[0].gpus} {gpus}{together}")
        else:
            told.append(
                f"{len(some)} of {of} '{kind}' have no place: each needs {some[0].gpus} {gpus}{together}"
            )
    free = ray.available_resources().get("GPU", 0)
    return (
        f"{'; '.join(told)}; free are {free:g} GPUs after {seconds:.0f} s; "
        "see what else runs on the cluster, lower these numbers"
    )


def _kind(group: BundleGroup) -> str:
    return group.name.rstrip("0123456789").strip()
