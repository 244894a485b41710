"""Which worker of a stream sits where: first in the places that the stage began with, then in others.

Collaborators: ``actors.rollout.stream`` starts and ends workers through here; ``actors.placement`` has the
places.
Invariant: a place that was reserved for one worker alone is given back when it ends.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from psyche_rl.config.engine import EngineConfig

if TYPE_CHECKING:
    from actors.placement.reserve import Places


class WorkerSeats:
    """Gives each worker of ``role`` its place, and takes it back."""

    def __init__(
        self, model: str, engine: EngineConfig, places: Places, role: str, linger_s: float = 0.0
    ) -> None:
        self._model, self._engine, self._places, self._role = model, engine, places, role
        self._linger_s = linger_s
        self._free = list(enumerate(places.of(role)))
        self._numbers = count(len(self._free))
        self._of: dict[int, int] = {}

    def new_worker(self, version: int) -> Any:
        """A worker that begins to load."""
        from actors.rollout.worker import start_worker

        if self._free:
            number, place = self._free.pop(0)
        else:
            number = next(self._numbers)
            place = self._places.joiner(self._role, number, self._engine.parallel, wait=False)
        actor = start_worker(self._model, self._engine, version, place, linger_s=self._linger_s)
        self._of[id(actor)] = number
        return actor

    def end_worker(self, actor: Any) -> None:
        """End it."""
        import ray

        ray.kill(actor)
        self._places.leave(self._role, self._of.pop(id(actor)))
