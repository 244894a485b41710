"""One rollout worker: a Ray actor around a live vLLM engine.

Role: the remote end of ``actors.rollout.pool``.
Invariants:
- The constructor does nothing that can fail, so that a bad model folder comes back as its own error and not
  as a dead actor.
- Every answer to a weight change is a proof (:class:`ServedProof`) computed from what arrived, not from what
  was promised.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray

from actors.engines.starting import engine_env
from actors.engines.transfer import Transfer
from actors.engines.vllm_engine import VllmEngine
from actors.placement.place import ANYWHERE, Place
from actors.rollout.engine_thread import EngineThread
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights
from psyche_rl.rollout.streaming import Delivery, SampleOrder
from psyche_rl.timeline.lane import Stretch
from psyche_rl.weights.arrays import checksum

CALLS = 8
"""Calls answered side by side: one collects, one brings work, one updates, and some are to spare."""


@dataclass(frozen=True)
class ServedProof:
    """What a worker proves: its process, the version it serves, and the checksum of those weights.

    ``checksum`` is None where none was taken, as of weights that the engine read from the model folder.
    """

    pid: int
    version: int
    checksum: int | None
    lane: tuple[Stretch, ...] = ()
    """What the worker did since it last told."""


class RolloutWorker:
    """Holds one engine, which a thread of its own steps; methods may be called side by side."""

    def __init__(
        self,
        model_dir: str,
        config: EngineConfig,
        version: int,
        can_sleep: bool = False,
        linger_s: float = 0.0,
    ) -> None:
        self._model_dir, self._config, self._can_sleep = model_dir, config, can_sleep
        self._linger_s = linger_s
        self._served = ServedProof(os.getpid(), version, None)
        self._thread: EngineThread | None = None
        self._transfer = Transfer()

    def node(self) -> str:
        """Id of the node that this process runs on."""
        return str(ray.get_runtime_context().get_node_id())

    def load(self) -> ServedProof:
        """Start the engine on the weights of the model folder; once it runs, only say what it serves.

        Raises:
            ModelError: the folder cannot be served.
        """
        if self._thread is None:
            self._thread = EngineThread(self._make)
        return self._thread.call(lambda _: self._served)

    def update_weights(
        self, weights: Weights, version: int, when_idle: bool = False, checked: bool = True
    ) -> ServedProof:
        """Serve ``weights`` (Ray hands over the object behind the ObjectRef, zero copy) as ``version``.

        What is under way goes on under them, or ``when_idle`` is finished first. The proof has a checksum if
        ``checked``.

        Raises:
            WeightSyncError: the weights do not fit the model.
        """
        update = self._live().ask(
            lambda engine: engine.update_weights(weights, version), when_idle, lane="sync"
        )
        found = checksum(weights) if checked else None  # meanwhile, as both only read
        update.result()
        self._served = ServedProof(os.getpid(), version, found)
        return replace(self._served, lane=self._live().lane.take())

    def meet_learner(self, init_info: dict[str, Any]) -> None:
        """Enter the group of a direct transfer."""
        self._live().call(lambda engine: engine.meet_learner(init_info))

    def receive_weights(self, version: int, when_idle: bool = False) -> ServedProof:
        """As :meth:`update_weights`, by what the learner tells meanwhile (:meth:`tell_transfer`).

        Raises:
            WeightSyncError: the update was cut off, and with it this engine is of no more use.
        """
        try:
            arrived = self._live().call(
                lambda e: e.receive_weights(self._transfer, version), when_idle, lane="sync"
            )
        finally:
            self._transfer = Transfer()
        self._served = ServedProof(os.getpid(), version, arrived)
        return replace(self._served, lane=self._live().lane.take())

    def tell_transfer(self, call: str, arguments: dict[str, Any]) -> None:
        """A call of the direct transfer under way, or about to begin."""
        self._transfer.tell(call, arguments)

    def sleep(self, level: int) -> None:
        """Give the engine's memory back, until the next update of the weights."""
        self._live().call(lambda engine: engine.sleep(level))

    def generate(self, requests: Sequence[GenerationRequest], version: int) -> list[list[Sample]]:
        """Samples for each request, in order.

        Raises:
            WeightSyncError: this worker serves another version than the caller counts on.
        """
        if version != self._served.version:
            raise WeightSyncError(
                f"rollout worker {os.getpid()} serves weight version {self._served.version}, not {version}"
            )
        return self._live().call(lambda engine: engine.generate(requests), lane="generate")

    def submit(self, orders: Sequence[SampleOrder]) -> None:
        """Have samples generated; :meth:`collect` hands them out."""
        self._live().submit(orders)

    def abort(self, keys: Sequence[int]) -> None:
        """Forget orders."""
        self._live().abort(keys)

    def collect(self, patience_s: float) -> Delivery:
        """What is finished, waited for so long where nothing is."""
        return self._live().collect(patience_s, self._linger_s)

    def _make(self) -> VllmEngine:
        return VllmEngine(
            self._model_dir, self._config, version=self._served.version, can_sleep=self._can_sleep
        )

    def _live(self) -> EngineThread:
        if self._thread is None:
            raise WeightSyncError(f"rollout worker {os.getpid()} has not loaded its model yet")
        return self._thread


def start_worker(
    model_dir: str,
    config: EngineConfig,
    version: int,
    place: Place = ANYWHERE,
    can_sleep: bool = False,
    linger_s: float = 0.0,
) -> Any:
    """A handle to a new worker whose engine is not loaded yet.

    ``linger_s``: how long it gathers samples, while it has more, before it hands them out.
    """
    actor = ray.remote(RolloutWorker).options(
        **place.options(engine_env(config, place.on_gpu)),
        max_concurrency=CALLS,
        max_restarts=0,  # the pool replaces workers itself, since a restarted one would serve old weights
    )
    return actor.remote(model_dir, config, version, can_sleep, linger_s)
