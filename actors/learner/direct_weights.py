"""The direct way of weights, from the learner's devices to those of the rollout workers.

Role: gives ``DirectTransport`` its calls.
Collaborators: ``group`` (sends), ``actors.rollout.worker`` (receives).
Invariant: the workers wait for the weights before the learner begins to send, so that no engine steps in
between; every wait has a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from actors.waits import Waiting, wait
from psyche_rl.errors import WeightSyncError
from psyche_rl.weights.transport import Backend, DirectTransport


class SendingLearner(Protocol):
    """What a learner must do for it."""

    def connect(self, backend: Backend, workers: Sequence[Any], processes: int) -> None:
        """Form the group."""
        ...

    def send_weights(self, version: int, checked: bool) -> int | None:
        """Send to the group; returns the checksum of what was sent, if ``checked``."""
        ...


class DirectWeights:
    """The calls, over Ray actors; ``processes`` is an engine's number of them (``tensor_parallel_size``)."""

    def __init__(self, learner: SendingLearner, backend: Backend, processes: int, wait_s: float) -> None:
        self._learner, self._backend = learner, backend
        self._processes, self._wait_s = processes, wait_s
        self._workers: list[Any] = []

    def transport(
        self, put: Callable[[int], Any], learner_version: Callable[[], int | None]
    ) -> DirectTransport:
        """The transport that makes them."""
        return DirectTransport(self.form, self.send, put, learner_version)

    def form(self, workers: Sequence[Any]) -> None:
        """The group of these workers, in place of any earlier one."""
        self._learner.connect(self._backend, workers, self._processes)
        self._workers = list(workers)

    def send(self, version: int, checked: bool) -> list[Any]:
        """Proofs of all workers, as they gave them.

        Raises:
            WeightSyncError: what arrived is not what was sent.
        """
        receiving = [worker.receive_weights.remote(version) for worker in self._workers]
        sent = self._learner.send_weights(version, checked)
        proofs = wait(receiving, Waiting("rollout workers", "receive weights", version, self._wait_s))
        for number, proof in enumerate(proofs):
            if proof.checksum != sent:
                raise WeightSyncError(
                    f"rollout worker {number} received version {version} with checksum {proof.checksum}, "
                    f"sent was {sent}"
                )
        return list(proofs)
