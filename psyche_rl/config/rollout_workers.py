"""How many rollout workers there are: a number, all there is room for, or between two bounds.

Collaborators: ``psyche_rl.placement`` says with how many a run starts; ``psyche_rl.fleet`` scales within the
bounds while it goes on.
Invariant: one value of one key, however it is written, so that it is recorded and compared whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass

from psyche_rl.config.base import RefusedValueError
from psyche_rl.config.bounds import MOST_PROCESSES, Processes, processes_or_auto


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ElasticWorkers:
    """At least ``min`` and at most ``max``."""

    min: Processes
    max: Processes

    def at_start(self, room: int) -> int:
        """As many as there is ``room`` for, within the bounds: what is not there may still come."""
        return min(self.max, max(self.min, room))


def _one_of_three(value: Any) -> Any:
    if isinstance(value, ElasticWorkers):
        return value
    if not isinstance(value, Mapping):
        return processes_or_auto(value)
    bounds = dict(value)
    good = bounds.keys() == {"min", "max"} and all(type(bound) is int for bound in bounds.values())
    if not good or not 1 <= bounds["min"] <= bounds["max"] <= MOST_PROCESSES:
        raise RefusedValueError(
            "no two bounds", f"write {{min: 4, max: 24}}, from 1 to {MOST_PROCESSES}, the least first"
        )
    return ElasticWorkers(**bounds)


RolloutWorkers = Annotated[int | Literal["auto"] | ElasticWorkers, BeforeValidator(_one_of_three)]
