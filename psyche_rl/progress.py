"""How far a long loop is, and what a long wait waits for: never a silence without a reason.

Role: a loop over a known number of items has a bar on a terminal, a plain line every few seconds elsewhere
(:class:`Progress`); a wait says after ten seconds of silence what is not there yet (:func:`awaiting`).
Collaborators: stages and loops. Plain lines go through ``Events`` where one is given, so they are in
``events.jsonl`` too.
Invariants:
- Nothing is printed for work that ends before the first interval, except its last line.
- While others say something, a wait says nothing.
- What the first item took, with all that had to be loaded for it, promises nothing for the others.
- The clock is injected, so tests need no sleep.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TextIO

from psyche_rl.durations import duration
from psyche_rl.events import Events
from psyche_rl.terminal.plain import echo

INTERVAL_S = 5.0
SILENCE_S = 10.0
"""After so long without a line a wait says what it waits for."""


class Progress:
    """Counts items done out of ``total`` and shows rate and time left.

    Args:
        out: where plain lines go: the run's events, or a text stream. On a terminal a rich bar is
            drawn instead (on stderr for events).
        total: items in all.
        what: what is being done, e.g. "selector qwen2".
        unit: what an item is, in the plural, e.g. "questions".
    """

    def __init__(
        self,
        out: Events | TextIO,
        total: int,
        what: str,
        unit: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out, self._total, self._what, self._unit, self._clock = out, total, what, unit, clock
        self._done = self._counted_from = 0
        self._since: float | None = None
        self._figures: dict[str, float] = {}
        self._said = clock()
        self._bar = _bar(sys.stderr if isinstance(out, Events) else out, total, what, unit)

    def advance(self, items: int = 1) -> None:
        """Count ``items`` more as done.

        Rate and time left count from the first call, so that neither a slow start nor a resumed loop, which
        begins far along, is taken for the pace.
        """
        self._done += items
        if self._since is None:
            self._since, self._counted_from = self._clock(), self._done
        if self._bar is not None:
            said = "  ".join([self._what, *(f"{k}={v:.3g}" for k, v in self._figures.items())])
            self._bar.update(self._bar.task_ids[0], advance=items, rate=self._rate(), description=said)
        elif self._clock() - self._said >= INTERVAL_S:
            self._say()

    def update(self, done: int, **figures: float) -> None:
        """Say that ``done`` items are done in all, with figures to show beside them."""
        self._figures = figures
        self.advance(done - self._done)

    def close(self) -> None:
        """Say the last line, or leave the finished bar."""
        if self._bar is not None:
            self._bar.stop()
        else:
            self._say()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rate(self) -> float:
        elapsed = 0.0 if self._since is None else self._clock() - self._since
        return (self._done - self._counted_from) / elapsed if elapsed > 0 else 0.0

    def _say(self) -> None:
        self._said = self._clock()
        rate = self._rate()
        figures = {"done": f"{self._done}/{self._total} {self._unit}"}
        if rate > 0:
            figures["rate"] = f"{rate:.3g}/s"
            if self._done < self._total:
                figures["left"] = duration((self._total - self._done) / rate)
        figures |= {name: f"{value:.4g}" for name, value in self._figures.items()}
        if isinstance(self._out, Events):
            self._out.say(self._what, **figures)
        else:
            echo("  ".join([self._what, *(f"{k}={v}" for k, v in figures.items())]), file=self._out)


class Awaited:
    """A wait that has begun; ``there``: what has come so far, by name."""

    def __init__(
        self,
        events: Events,
        what: str,
        there: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._events, self._what, self._there, self._clock = events, what, there, clock
        self._begun = clock()
        self._lines = events.lines

    @property
    def others_spoke(self) -> bool:
        """Whether anybody else has said something since."""
        return self._events.lines != self._lines

    def look(self) -> float:
        """Say what is awaited if nothing was said for so long; returns the seconds to the next look."""
        left = SILENCE_S - self._events.silent_s
        if left > 0:
            return left
        waited = duration(self._clock() - self._begun)
        others = self._events.lines - self._lines
        self._events.say(f"{self._what}: waiting", **self._there(), waited=waited)
        self._lines = self._events.lines - others
        return SILENCE_S


@contextmanager
def awaiting(
    events: Events,
    what: str,
    there: Callable[[], Mapping[str, str]] = lambda: {},
    until_said: bool = False,
) -> Iterator[Callable[[], None]]:
    """Within the block, a line for each ``SILENCE_S`` of silence; what it gives, when called, ends that.

    ``until_said``: so does anything that anybody else says.
    """
    over, awaited = threading.Event(), Awaited(events, what, there)

    def watch() -> None:
        with suppress(Exception):  # what is waited for may end while it is looked at
            while not over.wait(awaited.look()):
                if until_said and awaited.others_spoke:
                    return

    thread = threading.Thread(target=watch, name="awaiting", daemon=True)
    thread.start()
    try:
        yield over.set
    finally:
        over.set()
        thread.join(SILENCE_S)


def _bar(stream: TextIO, total: int, what: str, unit: str) -> Any:
    """A started rich progress bar, or None where ``stream`` is no terminal."""
    if not stream.isatty():
        return None
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    from psyche_rl.terminal.console import PlainConsole

    described = TextColumn("{task.description}", markup=False)
    columns = [described, BarColumn(), MofNCompleteColumn(), TextColumn(unit, markup=False)]
    rate = TextColumn("{task.fields[rate]:.3g}/s")
    bar = RichProgress(*columns, rate, TimeRemainingColumn(), console=PlainConsole(file=stream))
    bar.add_task(what, total=total, rate=0.0)
    bar.start()
    return bar
