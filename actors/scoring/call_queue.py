"""The samples that wait for a worker, call by call.

Role: pure data structure of the scoring ``scheduler``.

Invariants:

- calls take turns: each gives one worker what it has room for, then the next call is served;
- within a call samples leave in the order given; one that is put back is the next to leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """One sample: the number of its call, and its place there."""

    call: int
    place: int


class CallQueue:
    """Items in the order in which they are handed out."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Item]] = {}
        self._turns: deque[int] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, call: int, count: int) -> None:
        """Queue the ``count`` items of a new call, last in turn."""
        if count:
            self._waiting[call] = deque(Item(call, place) for place in range(count))
            self._turns.append(call)

    def take(self, room: int) -> tuple[Item, ...]:
        """At most ``room`` items of the call whose turn it is; none if nothing waits."""
        if not self._turns:
            return ()
        call = self._turns.popleft()
        waiting = self._waiting[call]
        items = tuple(waiting.popleft() for _ in range(min(room, len(waiting))))
        if waiting:
            self._turns.append(call)
        else:
            del self._waiting[call]
        return items

    def put_back(self, items: Sequence[Item]) -> None:
        """Return items, in the order they were taken in; calls that had none left get the next turn."""
        for item in reversed(items):
            if item.call not in self._waiting:
                self._waiting[item.call] = deque()
                self._turns.appendleft(item.call)
            self._waiting[item.call].appendleft(item)

    def drop(self, call: int) -> None:
        """Forget what waits of a call."""
        if self._waiting.pop(call, None) is not None:
            self._turns.remove(call)
