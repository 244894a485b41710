"""Says every few seconds how far the calls and each step are, and how long the rest will take."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from actors.llm.client import LLM
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.outcome_counts import OutcomeCounts
from psyche_rl.durations import duration
from psyche_rl.errors import PsycheError
from psyche_rl.events import Events

EVERY_S = 5.0
UPLOAD_EVERY_S = 60.0


@contextlib.contextmanager
def progress(events: Events, llm: LLM, planned_calls: int, accounting: RowAccounting) -> Iterator[None]:
    """Log the counts of calls and of rows while the block runs; remote run folders get the cache every
    minute."""
    stop = threading.Event()

    def watch() -> None:
        begun = uploaded = time.monotonic()
        pace = Pace()
        while not stop.wait(EVERY_S):
            try:
                done, notices = llm.counts(), llm.notices()
                if time.monotonic() - uploaded > UPLOAD_EVERY_S:
                    llm.bring_back()
                    uploaded = time.monotonic()
            except PsycheError:
                return  # the work itself reports why the client is gone
            for line in notices:
                events.say(f"synth: {line}")
            events.say("synth: calls", **_figures(done, planned_calls, time.monotonic() - begun))
            for stage, figures in pace.under_way(accounting.all_counts(), time.monotonic()).items():
                events.say(f"synth: {stage}", **figures)

    thread = threading.Thread(target=watch, name="synth-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2 * EVERY_S)


@dataclass
class Pace:
    """Rates of steps from when each was first seen at work; the clock is the caller's."""

    _seen: dict[str, tuple[float, int]] = field(default_factory=dict)

    def under_way(
        self, tallies: Mapping[str, OutcomeCounts], now: float
    ) -> dict[str, dict[str, int | float | str]]:
        """Step -> rows done of all, ways of ending, rows a second and time left, once known."""
        said: dict[str, dict[str, int | float | str]] = {}
        for stage, found in tallies.items():
            if not found.open:
                continue
            since, before = self._seen.setdefault(stage, (now, found.ended))
            rate = (found.ended - before) / (now - since) if now > since else 0.0
            said[stage] = {
                "rows": f"{found.ended}/{found.rows}",
                "ok": found.ok,
                "filtered": found.filtered,
                "failed": found.failed,
                "quarantined": found.quarantined,
                **_speed(rate, found.open),
            }
        return said


def _figures(done: dict[str, int], planned: int, seconds: float) -> dict[str, int | float | str]:
    """Counts so far and an estimate of the rest in seconds; calls that fail or fall away shorten it."""
    finished = done["calls"] + done["cached"] + done["failures"]
    rate = finished / seconds if seconds else 0.0
    left = max(0, planned - finished)
    return {
        "done": finished,
        "cached": done["cached"],
        "failed": done["failures"],
        "planned": planned,
        **_speed(rate, left),
    }


def _speed(rate: float, left: int) -> dict[str, float | str]:
    """Items a second and the time that the rest takes; nothing before the first has ended."""
    return {"rate": f"{rate:.3g}/s", "left": duration(left / rate)} if rate > 0 else {}
