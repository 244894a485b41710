"""Which engine answers which batch next, where selectors share the places there are. For many threads.

Invariants:
- A batch is with one engine at a time, and comes back where its engine was lost.
- An engine stays with its selector while there is work for it, since loading another model costs minutes.
- An engine that falls idle goes to the selector that has most batches left for each of its engines, so that
  no place is idle while there is a batch that it may take.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from data_pipeline.answering.selector import QuestionBatch, Selector

Work = tuple[Selector, QuestionBatch]


class Allotment:
    """Of the ``missing`` batches; ``limit``: engines of one selector at the most."""

    def __init__(self, missing: Sequence[tuple[Selector, Sequence[QuestionBatch]]], limit: int) -> None:
        self._left = {selector.label: deque(batches) for selector, batches in missing}
        self._selectors = {selector.label: selector for selector, _ in missing}
        self._engines = dict.fromkeys(self._left, 0)
        self._limit = limit
        self._changed = threading.Condition()
        self._out = 0
        self._stopped = False

    def next(self, serving: Selector | None) -> Work | None:
        """A batch for an engine that is idle, or None: there will be no more for it.

        Waits where all that is left is with others: it comes back if they are lost.
        """
        with self._changed:
            label = serving.label if serving is not None else ""
            if label and not self._left[label]:
                self._engines[label] -= 1
                label = ""
            while not label:
                if self._stopped or not (self._out or any(self._left.values())):
                    return None
                open_to_all = [
                    name for name in self._left if self._left[name] and self._engines[name] < self._limit
                ]
                if open_to_all:
                    label = max(
                        open_to_all, key=lambda name: len(self._left[name]) / (1 + self._engines[name])
                    )
                    self._engines[label] += 1
                else:
                    self._changed.wait()
            if self._stopped:
                return None
            self._out += 1
            return self._selectors[label], self._left[label].popleft()

    def done(self, work: Work, again: bool = False) -> None:
        """The batch is answered; or, with ``again``, is to be given out once more."""
        with self._changed:
            self._out -= 1
            if again:
                self._left[work[0].label].appendleft(work[1])
            self._changed.notify_all()

    def stop(self) -> None:
        """Give out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
