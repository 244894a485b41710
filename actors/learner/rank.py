"""One rank of a learner: a Ray actor around ``psyche_rl.learner.learner.Learner``.

Role: the remote end of ``group``.
Invariant: methods run one after another, and those that are collectives in the same order in every rank.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import ray

from actors.learner.shipment import Shipment
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.weights.transport import Backend


class LearnerRank:
    """One rank: a process group member and its ``Learner``. Torch is imported when it joins."""

    def __init__(self, rank: int, ranks: int, threads: int | None, wait_s: float) -> None:
        import torch

        self._rank, self._ranks, self._patience = rank, ranks, timedelta(seconds=wait_s)
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        self._store: Any = None
        self._learner: Any = None
        self._sender: Any = None
        self._dtype: str | None = None

    def listen(self) -> tuple[str, int]:
        """Rank 0 only: open the rendezvous on a port the system picks; returns its address."""
        dist = _distributed()
        address = ray.util.get_node_ip_address()
        self._store = dist.TCPStore(address, 0, self._ranks, is_master=True, wait_for_workers=False)
        return address, self._store.port

    def join(self, address: tuple[str, int] | None) -> None:
        """Enter the process group; a single rank has nobody to meet and opens no port.

        Its collectives wait as long as the driver does, neither ten minutes (NCCL) nor thirty (gloo).
        """
        import torch

        dist = _distributed()
        if self._store is None:
            self._store = dist.TCPStore(*address, is_master=False) if address else dist.HashStore()
        backend = "nccl" if self._device.type == "cuda" else "gloo"
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)
        dist.init_process_group(
            backend,
            store=self._store,
            rank=self._rank,
            world_size=self._ranks,
            timeout=self._patience,
        )

    def open(self, model_dir: str, config: LearnerConfig, optim: OptimSettings, *more: Any) -> Layout:
        """Load model, reference and optimizer in place of any earlier ones; returns what the model bears."""
        from psyche_rl.learner.learner import Learner

        self._learner = None
        self._learner = Learner(model_dir, config, optim, self._device, *more)
        found: Layout = self._learner.layout
        return found

    def call(self, method: str, *arguments: Any) -> Any:
        """Call the learner."""
        given = (a.unpacked() if isinstance(a, Shipment) else a for a in arguments)
        return getattr(self._learner, method)(*given)

    def publish(self, dtype: str | None = None) -> list[ray.ObjectRef] | None:
        """Gather the weights, in the engines' ``dtype`` where that is coarser; rank 0 puts them into the
        object store and returns the reference."""
        # In a list, so that Ray hands over the reference and not what it stands for.
        ref: list[ray.ObjectRef] | None = self._learner.publish(lambda weights: [ray.put(weights)], dtype)
        return ref

    def meeting_place(self) -> tuple[str, int]:
        """This node's address and a port that is free now."""
        with socket.socket() as probe:
            probe.bind(("", 0))
            return ray.util.get_node_ip_address(), probe.getsockname()[1]

    def connect(
        self,
        backend: Backend,
        workers: Sequence[Any],
        processes: int,
        place: tuple[str, int],
        dtype: str | None,
    ) -> None:
        """Form a group with the engines of ``workers`` (``processes`` each), in place of any earlier one."""
        from actors.learner.engine_client import EngineClient
        from actors.learner.weight_sender import WeightSender

        if self._sender is not None:
            self._sender.close()
        self._dtype = dtype
        client = EngineClient(workers, processes, backend, self._patience.total_seconds())
        announced, every = self._learner.announced(dtype), processes * len(workers)
        self._sender = WeightSender(backend, self._rank, client, announced, self._device, place, every)

    def send(self, version: int, checked: bool) -> int | None:
        """Send the weights to the group; returns their checksum, if asked for, on rank 0."""
        sent: list[int | None] = []
        self._learner.send_weights(
            lambda announced, tensors: sent.append(self._sender.send(announced, tensors, version, checked)),
            self._dtype,
        )
        return sent[0]


def _distributed() -> Any:
    """torch.distributed, whose stores come from C and have no types."""
    import torch.distributed as dist

    return dist
