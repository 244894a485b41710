"""Guards against numbers that are none: what they are found in, and who brought them.

Collaborators: ``learner`` asks before it applies, saves, publishes or exports.
Invariants: collective, so that all ranks raise together or none does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from psyche_rl.errors import NonFiniteError
from psyche_rl.learner.ranks import largest
from psyche_rl.learner.shards import local

SHOWN = 5
"""Names in a message."""


class Guard:
    """Of one model and its optimizer on one rank."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> None:
        self._model, self._optimizer, self._device = model, optimizer, device
        self._sequences: Sequence[Any] = ()
        self._backward: Callable[[Any], float] = lambda _: 0.0

    def keep(self, sequences: Sequence[Any], backward: Callable[[Any], float]) -> None:
        """Keep the way back from a gradient to what it came from.

        ``backward`` adds the gradient of some of this rank's ``sequences``, and returns their share of the
        loss.
        """
        self._sequences, self._backward = sequences, backward

    def check(self, what: str, figure: float, step: int) -> None:
        """Let a figure of optimizer step ``step`` (from 0), equal on all ranks, pass if it is finite.

        Raises:
            NonFiniteError: it is not; the gradient is forgotten.
        """
        if math.isfinite(figure):
            return
        self.check_weights("trained", step)
        blamed = self._culprits()
        self._optimizer.zero_grad(set_to_none=True)
        raise step_error(step, f"{what} is {figure}", blamed)

    def check_weights(self, what: str, step: int) -> None:
        """Let weights pass if they are finite, after ``step`` optimizer steps.

        Raises:
            NonFiniteError: they are not, so that they are not ``what``.
        """
        with self.checking_weights(what, step):
            pass

    @contextmanager
    def checking_weights(self, what: str, step: int) -> Iterator[None]:
        """As :meth:`check_weights`, beside what is done within the block, at whose end it is raised.

        Nothing within the block may change the weights.
        """
        with ThreadPoolExecutor(1) as beside:
            mine = [local(p.detach()) for p in self._model.parameters()]
            here = beside.submit(lambda: all(finite(tensor) for tensor in mine))
            try:
                yield
            finally:  # the other ranks ask too, whatever became of the block here
                sound = self._agreed(here.result())
        if not sound:
            raise NonFiniteError(
                f"after optimizer step {step} the weights are not finite and are not {what}; lower lr, and "
                "go on from the newest checkpoint"
            )

    def _culprits(self) -> list[str]:
        """The names of the groups of all ranks whose loss or gradient, computed alone, is not finite."""
        names = list(dict.fromkeys(s.name for s in self._sequences))
        found: list[str] = []
        for owner in range(dist.get_world_size()):
            mine = dist.get_rank() == owner
            (groups,) = largest([len(names) if mine else 0], self._device)
            for place in range(int(groups)):
                self._optimizer.zero_grad(set_to_none=True)
                loss = self._backward([s for s in self._sequences if mine and s.name == names[place]])
                (lost,) = largest([0.0 if math.isfinite(loss) else 1.0], self._device)
                sound = self._all_finite(local_gradients(self._model))
                if mine and (lost or not sound):
                    found.append(names[place])
        gathered: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(gathered, found)
        return [name for part in gathered for name in part]

    def _all_finite(self, tensors: Iterable[torch.Tensor]) -> bool:
        return self._agreed(all(finite(tensor) for tensor in tensors))

    def _agreed(self, here: bool) -> bool:
        """Whether it is so on every rank."""
        return largest([0.0 if here else 1.0], self._device)[0] == 0.0


def finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers are finite; one reading, without a mask."""
    if not tensor.numel() or math.isfinite(tensor.sum().item()):  # as no sum of NaN or infinity is
        return True
    return bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())  # NaN is the least and the greatest


def step_error(step: int, figures: str, blamed: Sequence[str]) -> NonFiniteError:
    """What to raise in the place of optimizer step ``step`` (from 0)."""
    more = f" and {len(blamed) - SHOWN} more" if len(blamed) > SHOWN else ""
    cause = f"It comes from {', '.join(blamed[:SHOWN])}{more}" if blamed else "No group causes it alone"
    return NonFiniteError(
        f"optimizer step {step + 1}: {figures}; the step is not taken. {cause}; look at these samples, or "
        "lower lr or max_grad_norm"
    )


def local_gradients(model: nn.Module) -> list[torch.Tensor]:
    """This rank's shards of the gradients that are there."""
    return [local(p.grad) for p in model.parameters() if p.grad is not None]
