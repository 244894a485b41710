"""How the learner's weights come to the engines: one protocol, and which way is taken where.

Role: a publish makes every member of a fleet serve the learner's weights as one version, and each proves it.
Collaborators: whoever drives learner and workers gives the transports their calls, so that nothing here knows
Ray or vLLM; ``actors.learner.weight_sender`` and ``actors.engines.vllm_weights`` are the two ends of a direct
transfer.
Invariants:
- A collective spans the members of one publish: it is formed anew before a publish whose members are others,
  and after one that failed, never within one.
- A member that joins between publishes gets an object of its own, never a part in a collective.
- No version is published twice with different weights: a failed publish is an error of the whole version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

from psyche_rl.fleet.slot import Served

BUCKET_BYTES = 512 * 2**20
"""What a direct transfer packs into one message, unless one tensor is larger than that."""
GPU_CHECKSUM_EVERY = 10
"""Versions between checksums on GPU, where one of 15 GB costs seconds."""


class Backend(StrEnum):
    """Ways for weights; the values are vLLM's names where it has one."""

    OBJECT_STORE = "object_store"
    IPC = "ipc"
    NCCL = "nccl"


def choose_backend(placement: Literal["split", "colocated"], on_gpu: bool) -> Backend:
    """The fastest way between learner and engines that are placed so."""
    if not on_gpu:
        return Backend.OBJECT_STORE
    return Backend.IPC if placement == "colocated" else Backend.NCCL


def bucket_bytes(sizes: Sequence[int]) -> int:
    """Bytes of a bucket for tensors of these ``sizes``: no tensor is split, so the largest must fit."""
    return max([BUCKET_BYTES, *sizes])


def checksum_due(version: int, every: int | None, on_gpu: bool) -> bool:
    """Whether ``version`` is published with a checksum; ``every`` is ``grpo.checksum_every``."""
    return version % (every or (GPU_CHECKSUM_EVERY if on_gpu else 1)) == 0


class WeightTransport(Protocol):
    """One way for weights; members are whatever its calls take."""

    def publish(self, members: Sequence[Any], version: int, checked: bool) -> list[Served]:
        """Serve the learner's weights of now as ``version``; one proof a member, in order.

        Args:
            checked: each proof has a checksum of what arrived.

        Raises:
            RemoteWaitError: a member or rank was lost or did not answer; no member's weights are known.
            WeightSyncError: the weights do not fit.
        """
        ...

    def bring(self, member: Any, version: int, checked: bool) -> Served | None:
        """Have one more member serve ``version``; None where those weights are no longer there, so that it
        waits for the next publish."""
        ...


Put = Callable[[int], Any]
"""Version -> one object of the learner's weights of now, which any member can read."""
Load = Callable[[Sequence[Any], Any, int, bool], list[Served]]
"""Members, object, version, checked -> proofs: each member reads the object."""


class ObjectStoreTransport:
    """One object for all, and for those who come later (CPU, any cluster)."""

    def __init__(self, put: Put, load: Load) -> None:
        self._put, self._load = put, load
        self._held: tuple[int, Any] | None = None

    def publish(self, members: Sequence[Any], version: int, checked: bool) -> list[Served]:
        """See :class:`WeightTransport`."""
        self._held = None  # so that two states are never held
        self._held = version, self._put(version)
        return self._load(members, self._held[1], version, checked)

    def bring(self, member: Any, version: int, checked: bool) -> Served | None:
        """See :class:`WeightTransport`."""
        if self._held is None or self._held[0] != version:
            return None
        return self._load([member], self._held[1], version, checked)[0]


class DirectTransport:
    """From device to device, over a group of the learner and all members (CUDA IPC, NCCL).

    Args:
        form: make the group for these members, in place of any earlier one.
        send: all ranks send to the group: version, checked -> proofs in the order of its members.
        put, load: for those who join between publishes.
        learner_version: the version that the learner's weights of now would have.
    """

    def __init__(
        self,
        form: Callable[[Sequence[Any]], None],
        send: Callable[[int, bool], list[Served]],
        put: Put,
        load: Load,
        learner_version: Callable[[], int],
    ) -> None:
        self._form, self._send = form, send
        self._put, self._load, self._learner_version = put, load, learner_version
        self._group: list[Any] | None = None

    def publish(self, members: Sequence[Any], version: int, checked: bool) -> list[Served]:
        """See :class:`WeightTransport`."""
        group, self._group = self._group, None  # what fails half-way leaves no group
        if group != list(members):
            self._form(members)
        proofs = self._send(version, checked)
        self._group = list(members)
        return proofs

    def bring(self, member: Any, version: int, checked: bool) -> Served | None:
        """See :class:`WeightTransport`."""
        if self._learner_version() != version:
            return None
        return self._load([member], self._put(version), version, checked)[0]


_store: type[WeightTransport] = ObjectStoreTransport
_direct: type[WeightTransport] = DirectTransport
