"""What goes out of a learner: weights for engines, model folders, adapters.

Role: the part of ``Learner`` that gives its model to others.
Collaborators: ``published`` (the tensors), ``export`` and ``adapter_folder`` (the files).
Invariants:
- Every method is collective.
- Nothing that is not finite is published or exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist

from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.adapter_folder import write_adapter_folder
from psyche_rl.learner.export import write_model_folder
from psyche_rl.learner.finite import Guard
from psyche_rl.learner.lora import merging
from psyche_rl.learner.policy_model import PolicyModel
from psyche_rl.learner.published import (
    Announced,
    Named,
    announcements,
    coarser,
    gathered_weights,
    published_weights,
)
from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.arrays import to_numpy

T = TypeVar("T")


class Outgoing:
    """One rank of a learner, seen by those who take its weights; ``Learner`` fills the attributes."""

    _model: PolicyModel
    _given: str
    _dir: Path
    _compute: torch.dtype
    _lora: LoraConfig | None
    _guard: Guard
    step: int

    def full_weights(self, dtype: str | None = None) -> Weights | None:
        """What :meth:`publish` gives out, in a copy that stays as it is."""
        return self.publish(lambda weights: {name: array.copy() for name, array in weights.items()}, dtype)

    def publish(self, put: Callable[[Weights], T], dtype: str | None = None) -> T | None:
        """Give all weights, under the names of the folder they came from, to ``put`` on rank 0 and return
        what it returns, None elsewhere.

        In the compute type, or in the engine's (``dtype``) where that is coarser. Reading a gigabyte takes
        about as long as copying it, so the weights are checked while ``put`` is at work.

        Args:
            put: takes a copy, since the arrays may change with the next step.

        Raises:
            NonFiniteError: a weight is not finite; what ``put`` has made is not to be used.
        """
        wanted = coarser(self._compute, dtype)
        published = {name: to_numpy(t) for name, t in self._published(wanted, copied=False)}
        with self._guard.checking_weights("published", self.step):
            return put(published) if dist.get_rank() == 0 else None

    def announced(self, dtype: str | None = None) -> list[Announced]:
        """What :meth:`send_weights` will send, in its order; gathers nothing."""
        return announcements(self._model, coarser(self._compute, dtype))

    def send_weights(self, send: Callable[[Sequence[Announced], Named], None], dtype: str | None) -> None:
        """As :meth:`full_weights`, tensor by tensor on every rank's device, to whoever takes them all.

        Args:
            send: gets what will come, and then takes each tensor before the next is gathered.

        Raises:
            NonFiniteError: a weight is not finite; ``send`` is not called.
        """
        self._guard.check_weights("published", self.step)
        wanted = coarser(self._compute, dtype)
        send(self.announced(dtype), gathered_weights(self._model, wanted, self._change()))

    def export(self, path: str) -> None:
        """Write a Hugging Face folder or URL (rank 0 writes; all ranks return when it is there).

        Raises:
            NonFiniteError: a weight is not finite.
        """
        self._guard.check_weights("exported", self.step)
        tensors = self._published(self._compute)
        if dist.get_rank() == 0:
            write_model_folder(tensors, self._dir, path, self._model.form.config_changes())
        else:
            for _ in tensors:  # taking part is all there is to do
                pass
        dist.barrier()

    def export_adapter(self, path: str) -> None:
        """Write the adapters alone (ValueError: there are none), in peft's format, as a folder or URL.

        Raises:
            NonFiniteError: a weight is not finite.
        """
        self._guard.check_weights("exported", self.step)
        write_adapter_folder(self._model.lm, self._given, path)

    # -- inside ----------------------------------------------------------------------------------
    def _published(self, dtype: torch.dtype, copied: bool = True) -> Named:
        return published_weights(self._model, dtype, self._change(), copied=copied)

    def _change(self) -> Callable[[str, torch.Tensor], torch.Tensor] | None:
        return None if self._lora is None else merging(self._model.lm)
