"""SIGTERM and SIGHUP end a run in order, as schedulers and machines that are taken away ask for.

Role: turns the signal into a :class:`StopRequest`, and sees that the process ends in time.
Collaborators: ``launch.run_writer`` holds a run folder inside :class:`CleanEnd`; the training loops obey the
request.
- While a loop obeys requests it has ``grace_s`` to finish or cut its step and to save a checkpoint. Anything
  else is interrupted at once, and so is the loop when its time is over.
- The interrupt is a KeyboardInterrupt: the only exception that Ray hands on from a signal handler.
- Cleaning up has ``CLEANUP_S`` after that. Then ``last_words`` are written and the process ends as it is: a
  thread that waits for an actor, or a library that hangs, does not keep it.
- SIGHUP stays ignored where it was (nohup). SIGINT is as Python has it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

from psyche_rl.stop import StopRequest

CLEANUP_S = 15.0
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class CleanEnd:
    """Handlers for as long as the context lasts; outside the main thread it does nothing."""

    def __init__(
        self,
        stop: StopRequest,
        grace_s: float,
        last_words: Callable[[], None] = lambda: None,
        cleanup_s: float = CLEANUP_S,
        leave: Callable[[int], Any] = os._exit,
    ) -> None:
        self._stop, self._grace_s, self._last_words = stop, grace_s, last_words
        self._cleanup_s, self._leave = cleanup_s, leave
        self._before: dict[signal.Signals, Any] = {}
        self._main = threading.get_ident()
        self._over = threading.Event()
        self._deadline = 0.0
        self._interrupted = False
        self.exit_code = 128 + signal.SIGTERM
        """Exit code of a run that was stopped: 128 and the number of the signal."""

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if (before := signal.getsignal(number)) != signal.SIG_IGN:
                    self._before[number] = before
                    signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for number, before in self._before.items():
            signal.signal(number, before)

    def abandon(self, reason: str) -> None:
        """End at once without another write: the run folder is another process's. For any thread."""
        self._stop.request(reason, may_save=False)
        if self._before:
            signal.pthread_kill(self._main, signal.SIGTERM)

    def _asked(self, number: int, _: FrameType | None) -> None:
        if not self._deadline:
            self._deadline = time.monotonic() + self._grace_s
            if not self._stop.requested:
                self.exit_code = 128 + number
            self._stop.request(signal.Signals(number).name)
            threading.Thread(target=self._see_to_it, name="clean-end", daemon=True).start()
        patient = self._stop.heeded and self._stop.may_save and time.monotonic() < self._deadline
        if not patient and not self._interrupted and not self._stop.leaving:
            self._interrupted = True
            raise KeyboardInterrupt

    def _see_to_it(self) -> None:
        while not self._interrupted and not self._stop.leaving and time.monotonic() < self._deadline:
            if self._over.wait(min(0.1, max(0.0, self._deadline - time.monotonic()))):
                return
        signal.pthread_kill(self._main, signal.SIGTERM)
        if not self._over.wait(self._cleanup_s):
            with suppress(Exception):
                self._last_words()
            self._leave(self.exit_code)
