"""Structured logging: one JSON line an event into the run folder, one readable line to the console.

Stages and loops say what happened with ``events.say("…", key=value)``; the pipeline decides where it
goes. What looks like a secret is masked, whoever says it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from psyche_rl.masking import mask_of_process
from psyche_rl.store import RunStore
from psyche_rl.terminal.plain import echo


class Events:
    """Appends to ``events.jsonl`` (local run folders append; remote ones are flushed at stage ends).

    Any thread may say something.
    """

    def __init__(
        self, store: RunStore, console: TextIO | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._console, self._clock = store, console or sys.stderr, clock
        self._pending: list[str] = []
        self._writing = threading.RLock()
        self._said = time.perf_counter()
        self.lines = 0
        """Said so far."""

    def say(self, message: str, **fields: Any) -> None:
        """Log one event: a short message in plain words and its figures."""
        moment = datetime.fromtimestamp(self._clock(), UTC)
        line = {"time": moment.isoformat(), "message": message, **fields}
        figures = "  ".join(f"{k}={_short(v)}" for k, v in fields.items()).replace("\n", " ")
        mask = mask_of_process()
        with self._writing:
            self._said = time.perf_counter()
            self.lines += 1
            self._pending.append(
                json.dumps(mask.tree(line), ensure_ascii=False, default=lambda held: mask.text(str(held)))
            )
            with suppress(OSError):  # the terminal may be gone; the run folder is not
                echo(mask.text(f"{moment:%H:%M:%S} {message}  {figures}".rstrip()), file=self._console)
            if self._store.is_local:
                self.flush()

    @property
    def silent_s(self) -> float:
        """Seconds since something was said."""
        return time.perf_counter() - self._said

    def flush(self) -> None:
        """Bring pending events to the run folder."""
        with self._writing:
            if not self._pending:
                return
            text = "".join(line + "\n" for line in self._pending)
            self._store.append_text("events.jsonl", text)
            self._pending.clear()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
