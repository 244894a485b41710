"""A rollout worker without an engine, for tests on real Ray: it sleeps, answers, hangs or dies."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import ray

from actors.rollout.worker import CALLS, ServedProof
from psyche_rl.records import Sample
from psyche_rl.rollout.streaming import Delivery


class PretendedWorker:
    """A sample takes ``seconds``; its tokens are the versions served. Requests named so hang, or kill."""

    def __init__(self, version: int, seconds: float, load_s: float) -> None:
        self._version, self._seconds, self._load_s = version, seconds, load_s
        self._changed = threading.Condition()
        self._queue: list[Any] = []
        self._done: list[tuple[int, Sample]] = []
        self._steps = self._handed_out = 0
        self._hanging = False

    def node(self) -> str:
        return str(ray.get_runtime_context().get_node_id())

    def load(self) -> ServedProof:
        time.sleep(self._load_s)
        threading.Thread(target=self._run, daemon=True).start()
        return ServedProof(os.getpid(), self._version, None)

    def update_weights(self, weights: dict[str, Any], version: int, checked: bool) -> ServedProof:
        if "wrong" in weights:
            return ServedProof(os.getpid(), version, hash(os.getpid()))
        self._version = version
        return ServedProof(os.getpid(), version, 7)

    def submit(self, orders: list[Any]) -> None:
        for order in orders:
            if order.request.id.endswith("poison"):
                os._exit(1)
            self._hanging |= order.request.id.endswith("hang") and order.attempt == 1
        with self._changed:
            self._queue += orders
            self._changed.notify_all()

    def abort(self, keys: list[int]) -> None:
        with self._changed:
            self._queue = [order for order in self._queue if order.key not in keys]

    def collect(self, patience_s: float) -> Delivery:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._done), patience_s)
            samples, self._done = tuple(self._done), []
            self._handed_out += len(samples)
            return Delivery(samples, self._steps, self._handed_out)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue) and not self._hanging)
                order = self._queue.pop(0)
            time.sleep(self._seconds)
            with self._changed:
                self._steps += 1
                self._done.append((order.key, self._sample(order)))
                self._changed.notify_all()

    def _sample(self, order: Any) -> Sample:
        request = order.request
        return Sample(
            id=f"{request.id}/{order.index}", request_id=request.id, index=order.index,
            prompt_ids=request.prompt_ids, response_ids=(request.seed or 0, order.index), logprobs=(0.0, 0.0),
            weight_versions=(self._version,) * 2, finish_reason="stop",
        )  # fmt: skip


def pretended(seconds: float = 0.0, load_s: float = 0.0, resources: dict[str, float] | None = None) -> Any:
    """What a stream takes as ``new_worker``."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not find tests/fakes
    options: dict[str, Any] = {"num_cpus": 0, "max_concurrency": CALLS, "max_restarts": 0}
    start: Any = ray.remote(PretendedWorker).options(**options, resources=resources)
    return lambda version: start.remote(version, seconds, load_s)
