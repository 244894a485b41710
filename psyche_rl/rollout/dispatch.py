"""Which worker gets which request: static, so that results never depend on timing.

Role: pure policy of ``actors.rollout.pool``.
Invariants:
- Every index is given out once.
- A slot's part depends on the number of requests and slots alone, so a replaced worker regenerates exactly
  what its predecessor had to answer, in a batch of the same composition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def assign(requests: int, slots: int) -> tuple[tuple[int, ...], ...]:
    """Round-robin: slot ``s`` gets the indices ``s, s + slots, …`` (long and short prompts mix evenly)."""
    return tuple(tuple(range(slot, requests, slots)) for slot in range(slots))


def collect(parts: Sequence[Sequence[T]], requests: int) -> list[T]:
    """The inverse of :func:`assign`: results of all slots, back in the order of the requests.

    Raises:
        ValueError: a slot returned more or fewer results than it was given requests.
    """
    plan = assign(requests, len(parts))
    results: dict[int, T] = {}
    for slot, (indices, part) in enumerate(zip(plan, parts, strict=True)):
        if len(indices) != len(part):
            raise ValueError(
                f"slot {slot} was given {len(indices)} requests and returned {len(part)} results"
            )
        results.update(zip(indices, part, strict=True))
    return [results[index] for index in range(requests)]
