"""Which items have not ended yet, and how many workers each of them has cost.

Role: pure part of the scoring ``scheduler``.

Invariants:

- an item ends once; a call is forgotten with its last item;
- an item at which a worker ended is a suspect: it is tried alone, and not again once ``TRIES`` workers
  have ended at it.
"""

from __future__ import annotations

from collections import deque

from actors.scoring.call_queue import Item

TRIES = 3
"""Workers that may end at an item; a fourth would be lost to it as well."""


class Tries:
    """The items of all calls under way."""

    def __init__(self) -> None:
        self._unfinished: dict[int, int] = {}
        """Items of each call that have not ended."""
        self._deaths: dict[Item, int] = {}
        self._suspects: deque[Item] = deque()

    @property
    def suspects(self) -> int:
        """Items that wait to be tried alone."""
        return len(self._suspects)

    def add(self, call: int, count: int) -> None:
        """A new call with ``count`` items."""
        if count:
            self._unfinished[call] = count

    def wanted(self, item: Item) -> bool:
        """Whether somebody still waits for the item's call."""
        return item.call in self._unfinished

    def calls(self) -> list[int]:
        """Calls that have not ended."""
        return list(self._unfinished)

    def end(self, item: Item) -> None:
        """The item has its score or its error; of a call that was forgotten it means nothing."""
        self._deaths.pop(item, None)
        if item.call in self._unfinished:
            self._unfinished[item.call] -= 1
            if not self._unfinished[item.call]:
                del self._unfinished[item.call]

    def accuse(self, item: Item) -> bool:
        """A worker has ended at the item; returns whether it is to be tried again."""
        self._deaths[item] = self._deaths.get(item, 0) + 1
        if self._deaths[item] >= TRIES:
            return False
        self._suspects.append(item)
        return True

    def next_suspect(self) -> Item | None:
        """The next item to be tried alone."""
        return self._suspects.popleft() if self._suspects else None

    def forget(self, call: int) -> None:
        """Nobody waits for a call any more."""
        self._unfinished.pop(call, None)
        self._suspects = deque(item for item in self._suspects if item.call != call)
        self._deaths = {item: count for item, count in self._deaths.items() if item.call != call}
