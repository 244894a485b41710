"""What one scoring process has to do, and whether it is late with it.

Role: the scheduler's view of a worker; pure, times are given. Collaborators: ``scheduler``, which changes
it; the pool measures :class:`CpuUse` when the scheduler asks for it.

Invariants:

- ``open`` holds what was sent and is not answered, in the order sent; a worker that takes one sample at
  a time has worked on the first of them since ``since``;
- a worker that the machine does not let run gets up to ``STARVED`` deadlines, so that a crowded machine
  does not turn honest samples into timeouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.scoring.call_queue import Item

STALLED_SHARE = 0.1
"""Share of its deadline after which a sample's worker is no longer counted on."""
STARVED = 4
"""Deadlines that a sample may take where its worker wants to run and gets no processor."""
GRACE_S = 2.0
"""A worker keeps its own deadlines where scorers are coroutines; if it does not, it is blocked."""


@dataclass(frozen=True)
class CpuUse:
    """Processor seconds that a process has had so far, and whether it wants more now."""

    seconds: float
    runnable: bool


@dataclass(frozen=True)
class Deadline:
    """How long a worker may stay silent: ``timeout_s`` per sample, and a grace if it keeps it itself."""

    timeout_s: float
    concurrent: bool = False

    @property
    def limit_s(self) -> float:
        """Silence after which a worker is ended."""
        return self.timeout_s + GRACE_S if self.concurrent else self.timeout_s


@dataclass(eq=False)
class WorkerLoad:
    """One worker: what it has, since when, and why it is being ended, if it is."""

    since: float
    open: dict[Item, None] = field(default_factory=dict)
    alone: bool = False
    """It gets nothing else before what it has is done."""
    ended_for: Item | None = None
    """The item because of which it was ended; its end is not seen yet."""
    _noted: tuple[float, float] | None = None
    """``since`` and the processor seconds then."""

    @property
    def accepts(self) -> bool:
        """Whether it may be sent something."""
        return self.ended_for is None and not (self.alone and self.open)

    def stalled(self, now: float, after_s: float) -> bool:
        """Whether it has been silent for longer than ``after_s`` with work to do."""
        return bool(self.open) and now - self.since > after_s

    def needs_measure(self, now: float, deadline: Deadline) -> bool:
        """Whether its processor time must be known to judge it: once on stalling, and when it is late."""
        if self.ended_for is not None or not self.stalled(now, STALLED_SHARE * deadline.limit_s):
            return False
        return not self._is_noted() or self.stalled(now, deadline.limit_s)

    def late(self, now: float, deadline: Deadline, use: CpuUse | None) -> bool:
        """Whether it must be ended; ``use`` is what was measured now, if :meth:`needs_measure` asked."""
        if self.ended_for is not None:
            return False
        if use is not None and not self._is_noted():
            self._noted = (self.since, use.seconds)
        if not self.stalled(now, deadline.limit_s):
            return False
        return self.stalled(now, STARVED * deadline.limit_s) or not self._starved(use, deadline.limit_s)

    def _is_noted(self) -> bool:
        return self._noted is not None and self._noted[0] == self.since

    def _starved(self, use: CpuUse | None, limit_s: float) -> bool:
        """Whether it would run but has had less than half of ``limit_s``."""
        if use is None or self._noted is None or not self._is_noted():
            return False
        return use.runnable and use.seconds - self._noted[1] < limit_s / 2
