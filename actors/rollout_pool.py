"""A pool of rollout workers behind one ``generate``.

API draft: signatures and docstrings hold; bodies follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from psyche_rl.config.engine import EngineConfig
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights


@dataclass(frozen=True)
class PoolReport:
    """What the pool went through so far, for metrics."""

    workers: int
    replaced: int
    """Workers that were lost or hung and replaced since ``start``."""


class RolloutPool:
    """``workers`` vLLM engines that all serve the same weights (also a context manager: start, stop)."""

    def __init__(
        self,
        model_dir: str,
        engine: EngineConfig,
        workers: int,
        *,
        wait_s: float = 600.0,
        say: Callable[..., None] | None = None,
    ) -> None:
        """``model_dir``: local Hugging Face folder; ``wait_s``: deadline of each remote wait, in seconds;
        ``say``: ``Events.say`` or alike, told of replacements."""

    def start(self, version: int = 0) -> None:
        """Start all engines (side by side) on the weights in ``model_dir``, known as ``version``.

        Raises:
            ModelError: the folder cannot be served.
            RemoteWaitError: an engine did not come up in time.
        """
        raise NotImplementedError

    def generate(self, requests: Sequence[GenerationRequest], version: int) -> list[list[Sample]]:
        """``n`` samples for each request, in the order given, all sampled at weight ``version``.

        A lost or hanging worker is replaced and its part generated again; seeds in the requests make the
        samples the same. ``Sample.id`` is ``"<request id>/<index>"``.

        Raises:
            WeightSyncError: the pool does not serve ``version``.
            RemoteWaitError: workers keep dying.
        """
        raise NotImplementedError

    def publish(self, weights: ray.ObjectRef | Weights, version: int) -> str:
        """Serve ``weights`` from now on, as ``version``; returns their checksum.

        One ObjectRef serves all workers and replacements (a mapping is put once). The pool keeps a
        reference until the next publish. Every worker proves version and checksum before it takes work.

        Raises:
            WeightSyncError: a worker does not serve what it was given.
        """
        raise NotImplementedError

    def report(self) -> PoolReport:
        """Workers now, replacements so far."""
        raise NotImplementedError

    def stop(self) -> None:
        """End all workers; harmless if already stopped."""
        raise NotImplementedError

    def __enter__(self) -> RolloutPool:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
