"""From the first rank to all: values that all must agree on, and tensors of which each keeps its shard.

Collaborators: ``loading``, which reads on the first rank only.
Invariants:
- No rank holds more than one whole tensor beside its shards; all but the first only their part of it.
- Tensors travel in the type that they are stored in.
- What the first rank raises, all raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor

from psyche_rl.errors import ModelError
from psyche_rl.learner.shards import local

T = TypeVar("T")


class Spreading:
    """Over the ranks of a one-dimensional ``mesh``; without one this process is alone. Collective."""

    def __init__(self, mesh: DeviceMesh | None, device: torch.device) -> None:
        self._group = None if mesh is None else mesh.get_group()
        self._ranks = 1 if mesh is None else mesh.size()
        self._rank = 0 if mesh is None else mesh.get_local_rank()
        self._device = device

    @property
    def first(self) -> bool:
        """Whether this is the rank that reads."""
        return self._rank == 0

    def agree(self, make: Callable[[], T]) -> T:
        """What ``make`` returns on the first rank, the only one that calls it.

        Raises:
            ModelError: what it raised, on all ranks.
        """
        box: list[Any] = [None, None]
        if self.first:
            try:
                box[0] = make()
            except ModelError as error:
                box[1] = str(error)
        if self._ranks > 1:
            dist.broadcast_object_list(box, group=self._group, group_src=0, device=self._device)
        if box[1] is not None:
            raise ModelError(box[1])
        made: T = box[0]
        return made

    @torch.no_grad()
    def fill(self, target: torch.Tensor, whole: torch.Tensor | None, stored: torch.dtype) -> None:
        """Give ``target``, sharded by rows or whole on every rank, the values of ``whole``.

        ``whole`` is on the CPU of the first rank, in type ``stored``, and None elsewhere.
        """
        here = local(target)
        if self._ranks == 1:
            if whole is None:
                raise ModelError("the only rank was given no values to fill a tensor with")
            here.copy_(whole)
        elif isinstance(target, DTensor):
            here.copy_(self._scatter(target.shape, whole, stored)[: len(here)])
        else:
            full = torch.empty(target.shape, dtype=stored, device=self._device)
            if whole is not None:
                full.copy_(whole)
            dist.broadcast(_bytes(full), group=self._group, group_src=0)
            here.copy_(full)

    def _scatter(self, shape: torch.Size, whole: torch.Tensor | None, stored: torch.dtype) -> torch.Tensor:
        """This rank's rows, as FSDP2 deals them out: equal parts, of which the last may be short or empty."""
        rows = -(-shape[0] // self._ranks)
        mine = torch.empty((rows, *shape[1:]), dtype=stored, device=self._device)
        parts = None if whole is None else [self._part(whole, rows, rank) for rank in range(self._ranks)]
        dist.scatter(_bytes(mine), parts, group=self._group, group_src=0)
        return mine

    def _part(self, whole: torch.Tensor, rows: int, rank: int) -> torch.Tensor:
        part = whole[rank * rows : (rank + 1) * rows]
        if len(part) < rows:  # all parts of a scatter have one size
            part = torch.cat([part, part.new_zeros((rows - len(part), *part.shape[1:]))])
        return _bytes(part.contiguous().to(self._device))


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory as bytes, since not every backend sends every type."""
    return tensor.view(-1).view(torch.uint8)
