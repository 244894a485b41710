"""The learner's end of a direct transfer of weights: one rank of vLLM's trainer side.

Role: forms the group with the engines of a fleet, and sends them every tensor as it is gathered.
Collaborators: vLLM's trainer backends (``vllm.distributed.weight_transfer``), which do the sending;
``engine_client``, by which rank 0 tells the engines; ``actors.engines.vllm_weights``, the other end.
Invariants:
- Both methods are collective over the learner's ranks.
- No more is held than two buckets and what is gathered for the next.
- A tensor is on the device and of the announced type and shape when vLLM gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from vllm.distributed.weight_transfer.base import ParamMeta, WeightSource
from vllm.distributed.weight_transfer.factory import WeightTransferTrainerFactory
from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo
from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo

from psyche_rl.learner.published import Announced, Named
from psyche_rl.weights.arrays import checksum, to_numpy
from psyche_rl.weights.transport import Backend, bucket_bytes


class GatheredOnce(WeightSource):
    """vLLM's view of one publish: what is announced, and then each tensor once."""

    def __init__(self, announced: Sequence[Announced], device: torch.device) -> None:
        self._announced, self._device = announced, device
        self._tensors: Named = iter(())
        self.checked = False
        self.sent = 0
        """Checksum of what was given out, where one was asked for."""

    def hold(self, announced: Sequence[Announced], tensors: Named, checked: bool) -> None:
        """Have these ready for the next pass."""
        self._announced, self._tensors, self.checked, self.sent = announced, tensors, checked, 0

    def metadata(self) -> list[ParamMeta]:
        """Names, types and shapes, in order."""
        return [ParamMeta(h.name, h.dtype, h.shape) for h in self._announced]

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        for name, tensor in self._tensors:
            given = tensor.detach().to(self._device)
            if self.checked:
                self.sent ^= checksum({name: to_numpy(given.cpu())})
            yield name, given


class WeightSender:
    """One rank; ``client`` is asked on rank 0 alone.

    Args:
        rendezvous: address and free port on rank 0's node, where NCCL meets.
        engine_processes: of all engines together.
    """

    def __init__(
        self,
        backend: Backend,
        rank: int,
        client: Any,
        announced: Sequence[Announced],
        device: torch.device,
        rendezvous: tuple[str, int] = ("", 0),
        engine_processes: int = 0,
    ) -> None:
        self._client = client
        self._source = GatheredOnce(announced, device)
        bucket = bucket_bytes([tensor.nbytes for tensor in announced])
        info: Any
        if backend is Backend.NCCL:
            info = NCCLTrainerInitInfo(
                *rendezvous, 1 + engine_processes, packed_buffer_size_bytes=bucket, rank=rank
            )
        else:
            info = IPCTrainerInitInfo(packed=True, packed_buffer_size_bytes=bucket, rank=rank)
        self._trainer = WeightTransferTrainerFactory.trainer_init(info, client=client, source=self._source)

    def send(self, announced: Sequence[Announced], tensors: Named, version: int, checked: bool) -> int | None:
        """Have all engines serve these as ``version``; returns the checksum of what was sent, if asked."""
        self._source.hold(announced, tensors, checked)
        self._client.begin(version, checked)
        self._trainer.send_weights()
        return self._source.sent if checked else None

    def close(self) -> None:
        """Leave the group."""
        self._trainer.shutdown()
