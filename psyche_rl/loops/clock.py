"""Where the seconds of a step go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psyche_rl.timeline.lane import LaneSpan, of_learner, wall_clock


class PhaseClock:
    """``with clock("generate"): …`` adds up wall-clock seconds per phase of one step."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._begun = time.perf_counter()
        self._now = wall_clock()
        self._phases: list[tuple[str, float, float]] = []
        self._since = self._now()

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        begun, since = time.perf_counter(), self._now()
        try:
            yield
        finally:
            self._seconds[phase] = self._seconds.get(phase, 0.0) + time.perf_counter() - begun
            self._phases.append((phase, since, self._now()))

    def metrics(self, tokens: int) -> dict[str, float]:
        """``time/<phase>_s``, ``time/step_s``, and response tokens per second of the whole step."""
        total = time.perf_counter() - self._begun
        times = {f"time/{phase}_s": seconds for phase, seconds in self._seconds.items()}
        return {**times, "time/step_s": total, "throughput/tokens_per_s": tokens / total}

    def lane(self) -> list[LaneSpan]:
        """What the learner did in the step so far."""
        return of_learner(self._phases, self._since, self._now())
