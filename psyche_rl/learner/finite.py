"""Guards against numbers that are none: what they are found in, and who brought them.

Collaborators: ``learner`` asks before it applies, saves, publishes or exports.
Invariants: collective, so that all ranks raise together or none does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.distributed as dist

from psyche_rl.errors import NonFiniteError
from psyche_rl.learner.ranks import largest
from psyche_rl.learner.sequence import PolicySequence, SftSequence

SHOWN = 5
"""Names in a message."""

Trained = Sequence[SftSequence] | Sequence[PolicySequence]


def all_finite(tensors: Iterable[torch.Tensor], device: torch.device) -> bool:
    """Whether every number in these shards is one, on all ranks."""
    here = all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
    return largest([0.0 if here else 1.0], device)[0] == 0.0


def culprits(
    sequences: Trained,
    backward: Callable[[Any], float],
    gradients: Callable[[], Iterable[torch.Tensor]],
    device: torch.device,
) -> list[str]:
    """The names of those groups of all ranks whose loss or gradient, computed alone, is not finite.

    Args:
        backward: computes the gradient of some of this rank's sequences anew, and returns their share of
        the loss.
        gradients: this rank's shards of it.
    """
    names = list(dict.fromkeys(s.name for s in sequences))
    found: list[str] = []
    for owner in range(dist.get_world_size()):
        mine = dist.get_rank() == owner
        (groups,) = largest([len(names) if mine else 0], device)
        for place in range(int(groups)):
            group = [s for s in sequences if s.name == names[place]] if mine else []
            loss = backward(group)
            sound = all_finite((g for g in gradients()), device)
            (lost,) = largest([0.0 if math.isfinite(loss) else 1.0], device)
            if mine and (lost or not sound):
                found.append(names[place])
    gathered: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, found)
    return [name for part in gathered for name in part]


def step_error(step: int, figures: str, blamed: Sequence[str]) -> NonFiniteError:
    """What to raise in the place of optimizer step ``step`` (from 0)."""
    more = f" and {len(blamed) - SHOWN} more" if len(blamed) > SHOWN else ""
    cause = f"it comes from {', '.join(blamed[:SHOWN])}{more}" if blamed else "no group causes it alone"
    return NonFiniteError(
        f"optimizer step {step + 1}: {figures}; the step is not taken. {cause.capitalize()}; "
        "look at these samples, or lower lr or max_grad_norm"
    )
