"""How the learner's rank 0 tells the engines of a fleet what to do in a direct transfer of weights.

Role: implements vLLM's ``VLLMWeightSyncClient`` over rollout workers.
Collaborators: ``weight_sender``, whose trainer backend calls it; ``actors.rollout.worker``, which it calls.
Invariants:
- All engines are told the same, side by side, and each call waits for all of them, with a deadline.
- Each process of each engine has a place of its own in the group; the learner's has place 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.waits import Waiting, wait
from psyche_rl.weights.transport import Backend


class EngineClient:
    """Speaks to ``workers`` (actor handles), each of ``processes`` processes."""

    def __init__(self, workers: Sequence[Any], processes: int, backend: Backend, wait_s: float) -> None:
        self._workers, self._processes = workers, processes
        self._backend, self._wait_s = backend, wait_s
        self._version, self._checked = 0, False

    def begin(self, version: int, checked: bool) -> None:
        """What the next update is."""
        self._version, self._checked = version, checked

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        """Have every engine meet the learner."""
        infos = [{**init_info, "backend": self._backend.value} for _ in self._workers]
        if "rank_offset" in init_info:
            for number, info in enumerate(infos):
                info["rank_offset"] += number * self._processes
        pairs = zip(self._workers, infos, strict=True)
        self._wait([worker.meet_learner.remote(info) for worker, info in pairs], "form the group")

    def start_weight_update(self) -> None:
        """See vLLM."""
        self._tell("start_weight_update", {})

    def update_weights(self, update_info: dict[str, Any]) -> None:
        """A bucket (IPC), or the order to receive all of them (NCCL)."""
        self._tell("update_weights", {"request": {"update_info": {**update_info, "checked": self._checked}}})

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """See vLLM, which gives no version."""
        self._tell("finish_weight_update", {"weight_version": weight_version or str(self._version)})

    def _tell(self, call: str, arguments: dict[str, Any]) -> None:
        refs = [worker.tell_transfer.remote(call, arguments) for worker in self._workers]
        self._wait(refs, call.replace("_", " "))

    def _wait(self, refs: list[Any], phase: str) -> None:
        wait(refs, Waiting("rollout workers", phase, self._version, self._wait_s))
