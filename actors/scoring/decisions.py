"""What the scoring ``scheduler`` decides, as data; ``process_pool`` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actors.scoring.call_queue import Item

FailReason = Literal["late", "died"]


@dataclass(frozen=True)
class Send:
    """Send these items to a worker."""

    worker: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class End:
    """End a worker; the scheduler is told when it has ended and all that it had sent was received."""

    worker: int


@dataclass(frozen=True)
class Fail:
    """Give an item an error in place of a score: it was late, or workers have died at it."""

    item: Item
    why: FailReason


Decision = Send | End | Fail


@dataclass(frozen=True)
class Scale:
    """Start so many workers; end these idle ones, which the scheduler has forgotten already."""

    start: int
    retire: tuple[int, ...]
