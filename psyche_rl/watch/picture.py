"""What a run folder says of the stage at work: a frozen picture of one moment.

Role: reads manifest, lock, events and metrics; decides what counts. Collaborators: ``told`` words it,
``psyche-rl watch`` shows it again and again.
Invariants:
- Reads only, takes no lock, and starts nothing.
- What is not in the folder is None or empty, never guessed. Behind a URL events come when a stage ends, so
  the number of steps, and the time left, are not known there before.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from psyche_rl.alarms.raised import Alarm, standing
from psyche_rl.alarms.rules import PAST, stall
from psyche_rl.loops.metrics_log import CURVES, read_metrics
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.intact import intact
from psyche_rl.store.lock import holder_of
from psyche_rl.store.lock_holder import State, state
from psyche_rl.store.manifest import require_run

WORKERS = "workers/"
"""Prefix of the metrics that count rollout workers by state."""
TIME, STEP_S = "time/", "time/step_s"


@dataclass(frozen=True)
class Event:
    """One line of ``events.jsonl``."""

    at: float
    """Seconds since 1970."""
    message: str
    figures: dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A stage at one moment."""

    run_url: str
    stage: str
    """Empty where none has begun."""
    status: str
    """As in the manifest; "pending" where none has begun."""
    holder: State
    """Whether the process that writes to the folder lives."""
    step: int | None
    """The newest that is finished; None for stages without steps."""
    total: int | None
    row: dict[str, float]
    """The newest value of each metric."""
    phases: dict[str, float]
    """Phase -> share of the newest step's seconds, the largest first."""
    workers: dict[str, int]
    """State -> rollout workers in it."""
    left_s: float | None
    """Steps that are left times the usual step; evaluations and checkpoints come on top."""
    alarms: tuple[Alarm, ...]
    event: Event | None
    """The newest."""

    @property
    def works(self) -> bool:
        """Whether the stage goes on, as far as can be told."""
        return self.status == "running" and self.holder != "dead"


def look(store: RunStore, now: float, stage: str = "") -> Picture:
    """A picture of ``stage``; or of the one at work, or else of the last that trained.

    Args:
        now: seconds since 1970.

    Raises:
        RunFolderError: there is no run there.
    """
    store.fs.invalidate_cache()
    require_run(store)
    stages, holder = Manifest.load(store).stages, holder_of(store)
    running = [name for name, entry in stages.items() if entry.status == "running"]
    trained = [name for name in stages if name in CURVES]
    stage = stage or (running or trained or list(stages) or [""])[-1]
    rows = read_metrics(store, stage) if stage in CURVES else []
    newest = {name: value for row in rows for name, value in row.items()}
    step, events = newest.get("step"), _events(store)
    total = _total(events, stage)
    works = stage in running and holder is not None
    waiting = _age(store, f"{stage}/metrics.jsonl", now) if works and rows else None
    late = stall(rows, waiting) if waiting is not None else None
    alarms = [alarm for alarm in standing(rows) if alarm.name != "stall" or late is None]
    if late is not None:
        alarms.append(Alarm("stall", int(newest["step"]) + 1, late))
    return Picture(
        run_url=store.url,
        stage=stage,
        status=stages[stage].status if stage in stages else "pending",
        holder="dead" if holder is None else state(holder, now),
        step=None if step is None else int(step),
        total=total,
        row=newest,
        phases=_phases(newest),
        workers={k.removeprefix(WORKERS): int(v) for k, v in newest.items() if k.startswith(WORKERS)},
        left_s=_left(rows, total),
        alarms=tuple(alarms),
        event=events[-1] if events else None,
    )


def _events(store: RunStore) -> list[Event]:
    lines = store.read_json_lines("events.jsonl")
    with intact(store.path("events.jsonl"), "events.jsonl"):
        return [
            Event(datetime.fromisoformat(line.pop("time")).timestamp(), line.pop("message"), line)
            for line in lines
        ]


def _total(events: list[Event], stage: str) -> int | None:
    """Of the newest attempt: a stage says its steps when it starts its actors, and with its progress."""
    total = None
    for event in events:
        if event.message == f"{stage}: begins":
            total = None
        elif event.message.startswith(f"{stage}: ") and isinstance(event.figures.get("steps"), int):
            total = event.figures["steps"]
        elif event.message == stage and str(event.figures.get("done", "")).endswith(" steps"):
            total = int(event.figures["done"].split()[0].partition("/")[2])
    return total


def _phases(row: dict[str, float]) -> dict[str, float]:
    whole = row.get(STEP_S, 0.0)
    times = {name: seconds for name, seconds in row.items() if name.startswith(TIME) and name != STEP_S}
    shares = {n.removeprefix(TIME).removesuffix("_s"): s / whole for n, s in times.items() if whole > 0}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _left(rows: list[dict[str, Any]], total: int | None) -> float | None:
    times = [row[STEP_S] for row in rows if STEP_S in row][-PAST:]
    return (total - int(rows[-1]["step"])) * median(times) if times and total is not None else None


def _age(store: RunStore, rel: str, now: float) -> float | None:
    with suppress(NotImplementedError, FileNotFoundError):  # not every filesystem keeps times
        return max(0.0, now - float(store.fs.modified(store.path(rel)).timestamp()))
    return None
