"""CUDA IPC and NCCL as far as vLLM's weight transfer asks of them, inside one process without a GPU.

Buffers stay on the CPU, a handle is a key into a table, and a communicator is a queue to each receiver.
"""

from __future__ import annotations

from contextlib import nullcontext
from queue import Queue
from types import SimpleNamespace
from typing import Any

import torch
from vllm.distributed.weight_transfer import nccl_common, packed_tensor

UUID = "GPU-fake"
Stream = SimpleNamespace(synchronize=lambda: None)


class Broadcasts:
    """Groups by their port; ``ranks`` are those that have entered, in order."""

    def __init__(self) -> None:
        self.groups: dict[int, dict[int, Queue[torch.Tensor]]] = {}
        self.entered: list[tuple[int, int, int]] = []
        self.largest = 0

    def enter(self, _host: str, port: int, rank: int, world_size: int, device: Any) -> Any:
        group = self.groups.setdefault(port, {number: Queue() for number in range(1, world_size)})
        self.entered.append((port, rank, world_size))

        def broadcast(tensor: torch.Tensor, src: int, stream: Any = None) -> None:
            self.largest = max(self.largest, tensor.nbytes)
            if rank == src:
                for queue in group.values():
                    queue.put(tensor.clone())
            else:
                tensor.copy_(group[rank].get(timeout=60))

        return SimpleNamespace(broadcast=broadcast)


class _Torch:
    """torch for ``packed_tensor``, whose device "cuda" is the CPU."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def empty(*size: Any, device: Any = None, **more: Any) -> torch.Tensor:
        return torch.empty(*size, device=None if device == "cuda" else device, **more)


def pretend(patch: Any) -> Broadcasts:
    """Until ``patch`` (pytest's) is undone."""
    broadcasts, exported = Broadcasts(), dict[int, torch.Tensor]()

    def export(tensor: torch.Tensor) -> tuple[Any, tuple[Any, ...]]:
        exported[id(tensor)] = tensor
        return None, (id(tensor), 1, 2, 3, 4, 5, 6, 7)

    patch.setattr(nccl_common, "stateless_init_process_group", broadcasts.enter)
    patch.setattr(packed_tensor, "torch", _Torch())
    patch.setattr(packed_tensor, "_get_streams", lambda _device, number: (Stream,) * number)
    patch.setattr(packed_tensor, "reduce_tensor", export)
    patch.setattr("torch.multiprocessing.reductions.rebuild_cuda_tensor", lambda key, *_: exported[key])
    patch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid=UUID))
    patch.setattr(torch.cuda, "current_stream", lambda: Stream)
    patch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    patch.setattr(torch.cuda, "ipc_collect", lambda: None)
    patch.setattr(torch.accelerator, "current_device_index", lambda: 0)
    return broadcasts
