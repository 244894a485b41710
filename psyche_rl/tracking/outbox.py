"""What one tracker is still to be told, in order, and what became of it.

Role: keeps the order, sends, counts, and decides which steps a tracker has already.
Collaborators: a ``Tracker``; ``tracker_thread`` calls :meth:`Outbox.deliver`.
Invariants:
- Whatever a client raises stays here: the message is tried again later, unless it was refused.
- No step is sent twice to a tracker that cannot forget, however often a run is cut off and goes on.
- A tracker that begins anew (no note, or a stage that is redone and cannot be forgotten) first gets what the
  run folder holds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from math import inf

from psyche_rl.masking import masked
from psyche_rl.store import RunStore
from psyche_rl.tracking.delivery_note import read_note
from psyche_rl.tracking.tracker import NotTakenError, Opening, Row, RunEnd, Shown, Tracker

MOST_TABLES = 200
"""Tables that wait for a tracker that does not answer; the oldest go, and are counted."""
BATCH = 50
"""Rows in one call."""


@dataclass(frozen=True)
class StepRow:
    stage: str
    row: Row


@dataclass(frozen=True)
class Rewound:
    stage: str
    step: int


@dataclass(frozen=True)
class StageBegan:
    stage: str
    anew: bool
    """Whether nothing of an earlier attempt holds."""


@dataclass(frozen=True)
class Figures:
    figures: Mapping[str, float]


@dataclass(frozen=True)
class NamedTable:
    name: str
    table: Shown
    step: int | None = None


@dataclass(frozen=True)
class NamedPage:
    name: str
    html: str


Message = StepRow | Rewound | StageBegan | Figures | NamedTable | NamedPage


class Outbox:
    """Of one tracker."""

    def __init__(
        self,
        name: str,
        tracker: Tracker,
        store: RunStore,
        opening: Callable[[str | None], Opening],
        history: Callable[[], Mapping[str, Sequence[Row]]],
        say: Callable[..., None],
    ) -> None:
        """``opening`` gets the id of the run to go on in; ``history``: what the run folder holds by stage."""
        self.name, self._tracker, self._store = name, tracker, store
        self._opening, self._history, self._say = opening, history, say
        self.note = read_note(store, name)
        self.note.delivered = self.note.not_delivered = self.note.again = 0
        self.note.why = None
        self._waiting: deque[Message] = deque()
        self._changing = threading.Lock()
        self._is_open = self._told = False
        self._lost = 0

    @property
    def waiting(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._waiting)

    def put(self, message: Message) -> None:
        """Send it in its turn. For any thread."""
        with self._changing:
            tables = [other for other in self._waiting if isinstance(other, NamedTable)]
            if isinstance(message, NamedTable) and len(tables) >= MOST_TABLES:
                self._waiting.remove(tables[1])  # the first may be on its way
                self._lost += 1
            self._waiting.append(message)

    def deliver(self) -> bool:
        """Send what waits; whether all of it has gone."""
        try:
            self._open()
            while self._waiting:
                self._send_next()
        except Exception as error:  # whatever a client, its server or the disk makes of it: training goes on
            self._failed(error)
            return False
        return True

    def end(self, end: RunEnd) -> None:
        """Close the tracker, and note what has not reached it."""
        if self._is_open:
            try:
                self._tracker.close(end)
            except Exception as error:
                self._failed(error)
                self._lost += 1
        self.sum_up()

    def sum_up(self, why: str | None = None) -> None:
        """Note the counts as they are now, and what the tracker is still to forget."""
        for message in list(self._waiting):
            if isinstance(message, Rewound) and self._tracker.forgets:
                self.note.rewinds[message.stage] = min(
                    message.step, self.note.rewinds.get(message.stage, message.step)
                )
        self.note.not_delivered = self._lost + sum(
            not isinstance(m, StageBegan | Rewound) for m in self._waiting
        )
        self.note.why = why or self.note.why
        self.note.save(self._store, self.name)

    def _open(self) -> None:
        if self._is_open:
            return
        asked = self.note.run_id
        run_id = self._tracker.open(self._opening(asked))
        known = self._tracker.newest_steps()
        if run_id != asked:
            self.note.steps = {}
        if known is not None:
            self.note.steps = dict(known)
        while self.note.rewinds:
            stage, step = next(iter(self.note.rewinds.items()))
            self._rewind(Rewound(stage, step))
            del self.note.rewinds[stage]
        self.note.run_id, self.note.where = run_id, masked(self._tracker.where())
        self.note.save(self._store, self.name)
        history = self._history()
        with self._changing:
            after = self._told_after()
            earlier = [StepRow(stage, row) for stage, rows in history.items() for row in rows]
            earlier = [m for m in earlier if self._is_new(m) and m.row["step"] <= after.get(m.stage, inf)]
            self._waiting.extendleft(reversed(earlier))
        self._is_open = True

    def _told_after(self) -> dict[str, float]:
        """Stage -> the step after which its rows are among what waits; the run folder may hold them too."""
        after: dict[str, float] = {}
        for message in reversed(self._waiting):
            if isinstance(message, Rewound):
                after[message.stage] = message.step
            elif isinstance(message, StageBegan) and message.anew:
                after[message.stage] = -inf
        return after

    def _send_next(self) -> None:
        message = self._waiting[0]
        count = 1
        try:
            if isinstance(message, StepRow):
                count = self._send_rows(message.stage)
            elif isinstance(message, Rewound):
                self._rewind(message)
            elif isinstance(message, StageBegan):
                self._begin(message)
            else:
                self._send(message)
                self.note.delivered += 1
        except NotTakenError as error:
            self._lost += count
            self._failed(error)
        with self._changing:
            for _ in range(count):
                self._waiting.popleft()

    def _send_rows(self, stage: str) -> int:
        """The rows of a stage that stand first; returns how many."""
        with self._changing:
            first = list(islice(self._waiting, BATCH))
        rows = list(takewhile(lambda m: isinstance(m, StepRow) and m.stage == stage, first))
        new = [message.row for message in rows if isinstance(message, StepRow) and self._is_new(message)]
        if new:
            before = self.note.steps
            self.note.steps = before | {stage: int(new[-1]["step"])}
            self.note.save(self._store, self.name)
            try:
                self._tracker.rows(stage, new)
            except Exception:
                self.note.steps = before
                raise
            self.note.delivered += len(new)
        return len(rows)

    def _is_new(self, message: StepRow) -> bool:
        return message.row["step"] > self.note.steps.get(message.stage, -1)

    def _rewind(self, message: Rewound) -> None:
        newest = self.note.steps.get(message.stage, -1)
        if self._tracker.forgets:
            self._tracker.rewind(message.stage, message.step)
            self.note.steps[message.stage] = min(newest, message.step)
        elif newest > message.step:
            self.note.again += newest - message.step
            self._say(
                f"track: {self.name} keeps the first figures of steps that are done again",
                stage=message.stage,
                after_step=message.step,
                steps=newest - message.step,
            )

    def _begin(self, message: StageBegan) -> None:
        """A stage that is made anew has no step yet: where the old cannot be forgotten, in another run."""
        if not message.anew or message.stage not in self.note.steps:
            return
        if self._tracker.forgets:
            self.note.steps.pop(message.stage)
        else:
            self._tracker.close("stopped")
            self.note.run_id, self.note.steps, self._is_open = None, {}, False
            self._open()
            with self._changing:  # what now stands first comes after this message, which is done
                self._waiting.remove(message)
                self._waiting.appendleft(message)

    def _send(self, message: Figures | NamedTable | NamedPage) -> None:
        if isinstance(message, Figures):
            self._tracker.figures(message.figures)
        elif isinstance(message, NamedTable):
            self._tracker.table(message.name, message.table, message.step)
        else:
            self._tracker.page(message.name, message.html)

    def _failed(self, error: Exception) -> None:
        self.note.why = masked(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
        if not self._told:
            self._told = True
            self._say(f"track: {self.name} does not take what it is told; the run goes on", why=self.note.why)
