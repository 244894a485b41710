"""A thread for each tracker, so that none of them can hold up the run or another tracker.

Role: when to try; ``outbox`` knows what. Invariants:
- The run's own threads put messages and never wait for a client, until the end, which has a deadline.
- A tracker that fails is tried again after pauses that grow; at the end once more.
"""

from __future__ import annotations

import threading
import time

from psyche_rl.tracking.outbox import Message, Outbox
from psyche_rl.tracking.tracker import RunEnd

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0


class TrackerThread:
    """Of one outbox; starts at once."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self._changed = threading.Condition()
        self._end: RunEnd | None = None
        self._thread = threading.Thread(target=self._work, name=f"tracker {outbox.name}", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Send it in its turn."""
        self.outbox.put(message)
        with self._changed:
            self._changed.notify()

    def ask_to_end(self, end: RunEnd) -> None:
        """Send what there is, and close."""
        with self._changed:
            self._end = end
            self._changed.notify()

    def ended_by(self, deadline: float) -> bool:
        """Whether it has ended by then (``time.monotonic``); what is left is counted either way."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if not self._thread.is_alive():
            return True
        self.outbox.sum_up(self.outbox.note.why or "it did not answer in time")
        return False

    def _work(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            end = self._end  # before the try: what is put before the end is tried once more
            went = self.outbox.deliver()
            if end is not None:
                self.outbox.end(end)
                return
            with self._changed:
                if went:
                    pause = FIRST_PAUSE_S
                    self._changed.wait_for(lambda: self._end is not None or self.outbox.waiting)
                else:
                    self._changed.wait_for(lambda: self._end is not None, pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
