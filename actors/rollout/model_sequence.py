"""One rollout pool that serves several models, one after another.

Collaborators: ``rollout.pool``, of which the caller says how one is started; ``psyche_rl.weights.saved``.

Invariants:

- a model of the same architecture goes to the live engines as new weights, without a restart;
- for another architecture the engines are ended before new ones start, since both might not fit the device;
- at most one pool lives, and none after ``stop``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from actors.rollout.pool import RolloutPool
from psyche_rl.model_folder import model_folder
from psyche_rl.weights.saved import read_weights, same_architecture


class ModelSequence:
    """Models in turn, each under a weight version of its own; ``new_pool`` makes a pool for a model."""

    def __init__(self, new_pool: Callable[[str], RolloutPool]) -> None:
        self._new_pool = new_pool
        self._live: tuple[RolloutPool, Path] | None = None

    def serving(self, model: str, version: int) -> RolloutPool:
        """A pool that serves ``model`` (folder, name or URL) as ``version``.

        Raises:
            ModelError: it is no model that can be served.
            RemoteWaitError: an engine does not start, or does not take the weights.
        """
        folder = model_folder(model)
        if self._live is not None:
            pool, served = self._live
            if same_architecture(served, folder):
                pool.publish(read_weights(folder), version)
                return pool
            self.stop()
        pool = self._new_pool(model)
        self._live = pool, folder
        pool.start(version)
        return pool

    def stop(self) -> None:
        """End the engines, if any."""
        if self._live is not None:
            pool, _ = self._live
            self._live = None
            pool.stop()
