"""The weights of a sharded model as its folder holds them: for engines, and for exports.

Collaborators: ``file_format`` says under which names; ``export`` and the engines take them.
Invariants:
- One tensor after another is gathered; whoever takes them decides how many are held.
- What travels between ranks is of the type that is asked for: each casts its part before it is gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from psyche_rl.learner.file_format import read_unused
from psyche_rl.learner.policy_model import PolicyModel
from psyche_rl.learner.ranks import is_first
from psyche_rl.learner.shards import whole

Named = Iterator[tuple[str, torch.Tensor]]


@dataclass(frozen=True)
class Announced:
    """A published tensor before it is there: its name in the folder, its shape and its type."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()


@torch.no_grad()
def gathered_weights(
    model: PolicyModel,
    dtype: torch.dtype,
    change: Callable[[str, torch.Tensor], torch.Tensor] | None = None,
) -> Named:
    """Name in the folder -> whole tensor in ``dtype`` where the model computes, on every rank. Collective.

    Some share memory with the model, and are right until its next step. A tied weight comes as often as the
    folder holds it.

    Args:
        change: makes of a weight (its name in the Hugging Face model, its whole value) what is published; it
            gets the weight in the model's own type.
    """
    tensors = model.lm.state_dict(keep_vars=True)
    for step in model.form.steps:
        values = {}
        for name in step.dtypes:
            tensor = tensors[model.places[name]]
            if change is None:
                values[name] = whole(tensor.to(dtype))
            else:
                values[name] = change(name, whole(tensor)).to(dtype)
        yield from model.form.write(step, values).items()
    yield from read_unused(model.form)


def announcements(model: PolicyModel, dtype: torch.dtype) -> list[Announced]:
    """What :func:`gathered_weights` yields, in its order, without gathering anything."""
    form, tensors = model.form, model.lm.state_dict(keep_vars=True)
    shapes = {name: tensors[place].shape for name, place in model.places.items()}
    made = [
        name
        for step in form.steps
        for name in form.write(step, {of: torch.empty(shapes[of], device="meta") for of in step.dtypes})
    ]
    kept = [Announced(name, form.stored[name].shape, form.empty(name).dtype) for name in form.unused]
    return [*(Announced(name, form.stored[name].shape, dtype) for name in made), *kept]


def published_weights(
    model: PolicyModel,
    dtype: torch.dtype,
    change: Callable[[str, torch.Tensor], torch.Tensor] | None = None,
    *,
    copied: bool = True,
) -> Named:
    """As :func:`gathered_weights`, contiguous on the CPU, on rank 0; nothing elsewhere. Collective.

    Args:
        copied: no tensor shares memory with the model or another tensor.
    """
    first = is_first()
    for name, tensor in gathered_weights(model, dtype, change):
        if first:
            yield name, tensor.detach().to("cpu", copy=copied).contiguous()


def coarser(computed: torch.dtype, served: str | None) -> torch.dtype:
    """The type to publish in: the one that is trained, or the engine's where that holds fewer bits."""
    dtype: torch.dtype = computed if served is None else getattr(torch, served)
    return min(computed, dtype, key=lambda kind: kind.itemsize)
