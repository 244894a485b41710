"""One rollout worker: a Ray actor around a live vLLM engine.

Role: the remote end of ``actors.rollout.pool``.
Invariants:
- The constructor does nothing that can fail, so that a bad model folder comes back as its own error and not
  as a dead actor.
- Every answer to a weight change is a proof (:class:`Served`) computed from what arrived, not from what was
  promised.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray

from actors.engines.vllm_engine import VllmEngine, engine_env
from actors.placement.place import ANYWHERE, Place
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.arrays import checksum


@dataclass(frozen=True)
class Served:
    """What a worker proves: its process, the version it serves, and the checksum of those weights.

    ``checksum`` is None for weights that the engine read from the model folder itself.
    """

    pid: int
    version: int
    checksum: int | None


class RolloutWorker:
    """Holds one engine; methods run one after another."""

    def __init__(self, model_dir: str, config: EngineConfig, version: int) -> None:
        self._model_dir, self._config = model_dir, config
        self._served = Served(os.getpid(), version, None)
        self._engine: VllmEngine | None = None

    def load(self) -> Served:
        """Start the engine on the weights of the model folder; once it runs, only say what it serves.

        Raises:
            ModelError: the folder cannot be served.
        """
        if self._engine is None:
            self._engine = VllmEngine(self._model_dir, self._config, version=self._served.version)
        return self._served

    def update_weights(self, weights: Weights, version: int) -> Served:
        """Serve ``weights`` (Ray hands over the object behind the ObjectRef, zero copy) as ``version``.

        Raises:
            WeightSyncError: the weights do not fit the model.
        """
        self._live().update_weights(weights, version)
        self._served = Served(os.getpid(), version, checksum(weights))
        return self._served

    def generate(self, requests: Sequence[GenerationRequest], version: int) -> list[list[Sample]]:
        """Samples for each request, in order.

        Raises:
            WeightSyncError: this worker serves another version than the caller counts on.
        """
        if version != self._served.version:
            raise WeightSyncError(
                f"rollout worker {os.getpid()} serves weight version {self._served.version}, not {version}"
            )
        return self._live().generate(requests)

    def _live(self) -> VllmEngine:
        if self._engine is None:
            raise WeightSyncError(f"rollout worker {os.getpid()} has not loaded its model yet")
        return self._engine


def start_worker(model_dir: str, config: EngineConfig, version: int, place: Place = ANYWHERE) -> Any:
    """A handle to a new worker whose engine is not loaded yet."""
    actor = ray.remote(RolloutWorker).options(
        **place.options(engine_env(config, place.on_gpu)),
        max_restarts=0,  # the pool replaces workers itself, since a restarted one would serve old weights
    )
    return actor.remote(model_dir, config, version)
