"""Which decisions count (pure): the last one on an item that was not taken back.

Invariants:
- The log is only added to, so the answer depends on its order alone.
- A line that is there twice (a request sent again) counts once.
- An undo takes back the one decision that it names and nothing else, so that an undo in one tab does not undo
  what was decided in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from data_pipeline.review.queue import Queued
from psyche_rl.records import ReviewDecision, ReviewItem


def standing(decisions: Iterable[ReviewDecision]) -> dict[str, ReviewDecision]:
    """Item id -> the decision that holds; items without one are not in it."""
    by_id: dict[str, ReviewDecision] = {}
    for decision in decisions:
        by_id.setdefault(decision.id, decision)
    log = by_id.values()
    undone = {(d.item_id, d.undoes) for d in log if d.action == "undo"}
    return {d.item_id: d for d in log if d.action != "undo" and (d.item_id, d.id) not in undone}


def is_open(item: ReviewItem | Queued, decided: Mapping[str, ReviewDecision]) -> bool:
    """Whether a person still has to look: nothing decided, or something was found since."""
    decision = decided.get(item.id)
    return decision is None or not set(item.reasons) <= set(decision.reasons)
