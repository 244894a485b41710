"""What one actor claims, and where: made by the plan, carried to whoever starts the actor.

Invariant: a place is data that travels between processes; it holds no actor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy


@dataclass(frozen=True)
class Place:
    """Without a group: anywhere, with a claim on nothing.

    So it is on machines without GPUs: actors of a stage take turns on the cores, and with a claim each some
    would wait for ever on a small one.
    """

    gpus: float = 0.0
    """Of the actor itself; a share of one where several sit on it."""
    group: Any = None
    """Ray's placement group."""
    bundle: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    """What the actor's process must know of its place."""
    spans: bool = False
    """Whether processes that the actor starts by Ray sit in other bundles of the group."""

    @property
    def on_gpu(self) -> bool:
        """Whether the actor computes on a GPU."""
        return self.gpus > 0 or self.spans

    def options(self, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """For ``Actor.options(...)``; ``env``: the actor's own environment variables."""
        found: dict[str, Any] = {
            "num_cpus": 0,
            "num_gpus": self.gpus,
            "runtime_env": {"env_vars": {**(env or {}), **self.env}},
        }
        if self.group is not None:
            found["scheduling_strategy"] = PlacementGroupSchedulingStrategy(
                self.group,
                placement_group_bundle_index=self.bundle,
                placement_group_capture_child_tasks=self.spans,
            )
        return found


ANYWHERE = Place()
