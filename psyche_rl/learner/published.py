"""The weights of a sharded model as its folder holds them: for engines, and for exports.

Collaborators: ``file_format`` says under which names; ``export`` and the engines take them.
Invariant: one tensor after another is gathered; whoever takes them decides how many are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from psyche_rl.learner.file_format import read_unused
from psyche_rl.learner.policy_model import PolicyModel
from psyche_rl.learner.ranks import is_first
from psyche_rl.learner.shards import whole


@torch.no_grad()
def published_weights(
    model: PolicyModel,
    dtype: torch.dtype,
    change: Callable[[str, torch.Tensor], torch.Tensor] | None = None,
) -> Iterator[tuple[str, torch.Tensor]]:
    """Name in the folder -> whole tensor on the CPU in ``dtype``, on rank 0; nothing elsewhere. Collective.

    Tensors are copies. A tied weight comes as often as the folder holds it.

    Args:
        change: makes of a weight (its name in the Hugging Face model, its whole value) what is published, on
            all ranks.
    """
    first = is_first()
    tensors = model.lm.state_dict(keep_vars=True)
    for step in model.form.steps:
        values = {}
        for name in step.dtypes:
            value = whole(tensors[model.places[name]])
            values[name] = value if change is None else change(name, value)
        if first:
            for name, made in model.form.write(step, values).items():
                # A copy, always: over one rank the whole tensor is the live weight itself.
                yield name, made.to("cpu", dtype, copy=True).contiguous()
    if first:
        yield from read_unused(model.form)
