"""Says every few seconds how far the calls are and how long the rest will take."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from actors.llm_client import LLM
from psyche_rl.errors import PsycheError
from psyche_rl.events import Events

EVERY_S = 5.0
UPLOAD_EVERY_S = 60.0


@contextlib.contextmanager
def progress(events: Events, llm: LLM, planned_calls: int) -> Iterator[None]:
    """Log the counts of calls while the block runs; remote run folders get the cache every minute."""
    stop = threading.Event()

    def watch() -> None:
        begun = uploaded = time.monotonic()
        while not stop.wait(EVERY_S):
            try:
                done = llm.counts()
                if time.monotonic() - uploaded > UPLOAD_EVERY_S:
                    llm.bring_back()
                    uploaded = time.monotonic()
            except PsycheError:
                return  # the work itself reports why the client is gone
            events.say("synth: calls", **_figures(done, planned_calls, time.monotonic() - begun))

    thread = threading.Thread(target=watch, name="synth-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2 * EVERY_S)


def _figures(done: dict[str, int], planned: int, seconds: float) -> dict[str, int | float]:
    """Counts so far and an estimate of the rest in seconds; calls that fail or fall away shorten it."""
    finished = done["calls"] + done["cached"] + done["failures"]
    rate = finished / seconds if seconds else 0.0
    left = max(0, planned - finished)
    return {
        "done": finished,
        "cached": done["cached"],
        "failed": done["failures"],
        "planned": planned,
        "per_s": round(rate, 1),
        "seconds_left": round(left / rate) if rate else -1,
    }
