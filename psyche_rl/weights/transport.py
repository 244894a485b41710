"""How the learner's weights come to the engines: one protocol, and which way is taken where.

Role: a publish makes every member of a fleet serve the learner's weights as one version, and each proves it.
Collaborators: whoever drives learner and workers gives the transports their calls, so that nothing here knows
Ray or vLLM; ``actors.learner.weight_sender`` and ``actors.engines.vllm_weights`` are the two ends of a direct
transfer.
Invariants:
- A collective spans the members of one publish: it is formed anew before a publish whose members are others,
  and after one that failed, never within one.
- A member that comes between publishes gets an object of its own, never a part in a collective.
- No version is published twice with different weights: a failed publish is an error of the whole version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal

from psyche_rl.errors import WeightSyncError

BUCKET_BYTES = 512 * 2**20
"""What a direct transfer packs into one message, unless one tensor is larger than that."""
GPU_CHECKSUM_EVERY = 10
"""Versions between checksums on GPU, where one of 15 GB costs seconds."""


class Backend(StrEnum):
    """Ways for weights; the values are vLLM's names where it has one."""

    OBJECT_STORE = "object_store"
    IPC = "ipc"
    NCCL = "nccl"


def choose_backend(asked: Backend | Literal["auto"], colocated: bool, on_gpu: bool, fixed: bool) -> Backend:
    """The way that was ``asked`` for (``grpo.weight_backend``), or the fastest between learner and engines
    that are placed so; ``fixed``: engines do not come and go.

    Without GPUs, or with engines that come and go, there is one way only.
    """
    if not on_gpu or not fixed:
        return Backend.OBJECT_STORE
    if asked == "auto":
        return Backend.IPC if colocated else Backend.NCCL
    return Backend(asked)


def bucket_bytes(sizes: Sequence[int]) -> int:
    """Bytes of a bucket for tensors of these ``sizes``: no tensor is split, so the largest must fit."""
    return max([BUCKET_BYTES, *sizes])


def checksum_due(version: int, every: int | None, on_gpu: bool) -> bool:
    """Whether ``version`` is published with a checksum; ``every`` is ``grpo.checksum_every``."""
    return version % (every or (GPU_CHECKSUM_EVERY if on_gpu else 1)) == 0


def hex_digits(checksum: int | None) -> str:
    """A checksum as it is told; empty where none was taken."""
    return "" if checksum is None else f"{checksum:016x}"


class DirectTransport:
    """From device to device, over a group of the learner and all members (CUDA IPC, NCCL).

    Args:
        form: make the group for these members, in place of any earlier one.
        send: all ranks send to the group: version, checked -> proofs in the order of its members, as the
            members give them.
        put: version -> one object of the learner's weights of now, for those who come between publishes.
        learner_version: the version that the learner's weights of now have; None where they have moved on.
    """

    def __init__(
        self,
        form: Callable[[Sequence[Any]], None],
        send: Callable[[int, bool], list[Any]],
        put: Callable[[int], Any],
        learner_version: Callable[[], int | None],
    ) -> None:
        self._form, self._send = form, send
        self._put, self._learner_version = put, learner_version
        self._group: list[Any] | None = None

    def publish(self, members: Sequence[Any], version: int, checked: bool) -> list[Any]:
        """Have ``members`` serve the learner's weights of now as ``version``; one proof each, in order.

        Args:
            checked: each proof has a checksum of what arrived.

        Raises:
            RemoteWaitError: a member or rank was lost or did not answer; no member's weights are known.
            WeightSyncError: the weights do not fit.
        """
        group, self._group = self._group, None  # what fails half-way leaves no group
        if group != list(members):
            self._form(members)
        proofs = self._send(version, checked)
        self._group = list(members)
        return proofs

    def as_object(self, version: int) -> Any:
        """The weights of ``version`` as an object that any member can read.

        Raises:
            WeightSyncError: the learner has moved on, and nobody has them any more.
        """
        if self._learner_version() != version:
            raise WeightSyncError(f"the learner has no longer the weights of version {version}")
        return self._put(version)
