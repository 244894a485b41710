"""Sides of a comparison that take their steps in turn, each in a process of its own.

What one virtual machine does in a second wanders by tens of percent over minutes, so that two runs one after
the other cannot be compared; two steps next to each other can. Role of ``in_turn``: starts the sides one
after the other and lets one step at a time go on. Role of ``next_turn``: what a side calls after each step.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TURN = "turn "


class Turns:
    """A side's end of it: :meth:`next_turn` after each step."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def next_turn(self) -> None:
        """Say how long the step took, and wait until the next one may begin."""
        print(f"{TURN}{time.perf_counter() - self._begun}", flush=True)
        sys.stdin.readline()  # at its end all go on as they like
        self._begun = time.perf_counter()


@dataclass(frozen=True)
class Side:
    """A process that calls ``next_turn`` after one step that warms up and after each that is timed, and then
    prints its figures as JSON in its last line."""

    command: Sequence[str]
    env: Mapping[str, str]


def in_turn(
    sides: Mapping[str, Side], steps: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """Seconds of each step of each side, and what each side printed at its end."""
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, side in sides.items():
            running[name] = subprocess.Popen(
                side.command, env=side.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            _step(name, running[name])  # of no use but to warm up, undisturbed by the start of the next
        took: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(steps):
            for name, process in running.items():
                _go(process)
                took[name].append(_step(name, process))
            print(
                {name: round(seconds[-1], 3) for name, seconds in took.items()}, file=sys.stderr, flush=True
            )
        return took, {name: _end(name, process) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def over(others: Sequence[float], ours: Sequence[float]) -> float:
    """How many times as long the others' steps take as our neighbouring ones: the median."""
    return statistics.median(other / one for other, one in zip(others, ours, strict=True))


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _step(name: str, process: subprocess.Popen[str]) -> float:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(TURN):
            return float(line.removeprefix(TURN))
    raise SystemExit(f"error: {name} ended with {process.wait()} before its turn; it says why above")


def _end(name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = process.communicate()  # closes its input
    if process.returncode:
        raise SystemExit(f"error: {name} ended with {process.returncode}; it says why above")
    figures: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return figures
