"""Which question is asked next where groups overlap steps.

Role: hands out the places of the schedule one by one, and knows which of them are under way.
Collaborators: ``prompt_schedule`` has the question of a place; ``producer`` asks.
Invariants:
- A place is handed out once, unless it was under way in a run that ended: then it is handed out again first.
- :meth:`PromptQueue.state` at a checkpoint is all that a resumed run needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.records import Question


class PromptQueue:
    """Begins at the first place of the schedule."""

    def __init__(self, schedule: PromptSchedule) -> None:
        self._schedule = schedule
        self._next = 0
        self._again: list[int] = []
        self._under_way: set[int] = set()

    def next(self) -> tuple[int, Question]:
        """The next place and its question."""
        if self._again:
            place = heapq.heappop(self._again)
        else:
            place, self._next = self._next, self._next + 1
        self._under_way.add(place)
        return place, self._schedule.question(place)

    def ended(self, place: int) -> None:
        """The group of this place is trained on, or never will be."""
        self._under_way.remove(place)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` takes."""
        return {"next": self._next, "under_way": sorted(self._under_way | set(self._again))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there; what was under way then is asked again."""
        self._next, self._again, self._under_way = int(state["next"]), list(state["under_way"]), set()
        heapq.heapify(self._again)
