"""A review session: the items, what was decided so far, and the one way to decide more.

Collaborators: ``launch.servers.review`` puts it on a page; the :class:`DecisionLog` keeps what is decided.
Invariants:
- A decision is in the log before anyone is told that it was taken.
- What others have added to the log is read before each answer, so several sessions and tabs on one run agree.
- A request sent twice decides once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data_pipeline.review.edits import EditFault, edited_dialogue, edited_question
from data_pipeline.review.log import DecisionLog
from data_pipeline.review.standing import is_open, standing
from psyche_rl.records import ReviewDecision, ReviewItem
from psyche_rl.records.review import ReviewAction
from psyche_rl.store.manifest import now


class NoSuchItem(LookupError):
    """The queue holds no item, or the log no decision, of that id."""


@dataclass(frozen=True)
class Ruling:
    """What a person asks for. ``id`` names the request; sent again, it changes nothing more.

    ``changes`` are the edited fields of a question, ``turns`` the texts of an edited dialogue.
    """

    id: str
    item_id: str
    action: ReviewAction
    reason: str | None = None
    changes: dict[str, Any] | None = None
    turns: tuple[str, ...] | None = None
    undoes: str | None = None


class ReviewSession:
    """One queue and its log, for one reviewer; safe to call from several threads."""

    def __init__(
        self, items: list[ReviewItem], log: DecisionLog, reviewer: str, clock: Callable[[], str] = now
    ) -> None:
        self._items = {item.id: item for item in items}
        self._log, self.reviewer, self._clock = log, reviewer, clock
        self._lock = threading.Lock()

    def overview(self) -> list[dict[str, Any]]:
        """Every item in order: id, kind, reasons, a line to know it by, its decision, whether it is open."""
        decided = standing(self._log.read())
        return [self._line(item, decided.get(item.id)) for item in self._items.values()]

    def line(self, item_id: str) -> dict[str, Any]:
        """The overview's entry for one item.

        Raises:
            NoSuchItem: there is none.
        """
        return self._line(*self.item(item_id))

    def item(self, item_id: str) -> tuple[ReviewItem, ReviewDecision | None]:
        """An item and the decision that stands on it.

        Raises:
            NoSuchItem: there is none.
        """
        if item_id not in self._items:
            raise NoSuchItem(f"no item {item_id} in the queue")
        return self._items[item_id], standing(self._log.read()).get(item_id)

    def decide(self, ruling: Ruling) -> ReviewDecision:
        """Write a decision down; what is returned is on the disk.

        Raises:
            NoSuchItem: the item, or the decision to be undone, is not there.
            EditFault: the edit is not a record.
            RunFolderError: it could not be written.
        """
        with self._lock:
            item, _ = self.item(ruling.item_id)
            log = self._log.read()
            for known in log:
                if known.id == ruling.id:
                    return known
            if ruling.action == "undo" and not any(
                d.id == ruling.undoes and d.item_id == item.id and d.action != "undo" for d in log
            ):
                raise NoSuchItem(f"no decision {ruling.undoes} on {item.id} to undo")
            decision = self._decision(item, ruling)
            self._log.append(decision)
            return decision

    def progress(self) -> tuple[int, int]:
        """Items decided, and items in all."""
        decided = standing(self._log.read())
        return sum(not is_open(item, decided) for item in self._items.values()), len(self._items)

    def reasons(self) -> dict[str, int]:
        """How many items each reason has."""
        return dict(Counter(reason for item in self._items.values() for reason in item.reasons))

    def _decision(self, item: ReviewItem, ruling: Ruling) -> ReviewDecision:
        question = dialogue = None
        if ruling.action == "edit":
            if item.question is not None:
                question = edited_question(item.question, ruling.changes or {}, item.passage)
            elif item.dialogue is not None:
                dialogue = edited_dialogue(item.dialogue, ruling.turns or ())
        elif ruling.changes or ruling.turns:
            raise EditFault(f"{ruling.action} changes nothing")
        return ReviewDecision(
            id=ruling.id,
            item_id=item.id,
            action=ruling.action,
            reason=(ruling.reason or "").strip() or None,
            question=question,
            dialogue=dialogue,
            undoes=ruling.undoes if ruling.action == "undo" else None,
            reasons=item.reasons,
            reviewer=self.reviewer,
            time=self._clock(),
        )

    @staticmethod
    def _line(item: ReviewItem, decision: ReviewDecision | None) -> dict[str, Any]:
        question, dialogue = item.question, item.dialogue
        title = question.stem if question else dialogue.messages[0].content if dialogue else ""
        return {
            "id": item.id,
            "kind": question.kind if question else "dialogue",
            "reasons": item.reasons,
            "title": title[:80],
            "decision": decision.action if decision else None,
            "open": is_open(item, {item.id: decision} if decision else {}),
        }
