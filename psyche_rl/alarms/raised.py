"""When alarms begin and which stand: a run's rows in, alarms out.

Pure, and a function of the rows alone, so a run that was cut off and goes on raises the same.
Collaborators: ``loops.metrics_log`` asks for each new row; report and ``psyche-rl watch`` for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.alarms.rules import RULES, Rows

METRIC = "alarm/"
"""Prefix of the metrics of alarms: ``alarm/<name>`` is 1 in the row in which it begins."""


@dataclass(frozen=True)
class Alarm:
    """One thing that goes wrong."""

    name: str
    step: int
    """Of the row in which it began."""
    why: str
    """The figures, in a sentence."""

    def __str__(self) -> str:
        return f"{self.name} at step {self.step}: {self.why}"


def standing(rows: Rows) -> list[Alarm]:
    """The alarms that hold at the newest row."""
    if not rows:
        return []
    found = ((name, rule(rows)) for name, rule in RULES.items())
    return [Alarm(name, int(rows[-1]["step"]), why) for name, why in found if why is not None]


def newly_raised(rows: Rows) -> list[Alarm]:
    """Those of them that did not hold at the row before."""
    before = {alarm.name for alarm in standing(rows[:-1])}
    return [alarm for alarm in standing(rows) if alarm.name not in before]


def all_raised(rows: Rows) -> list[Alarm]:
    """Every beginning of an alarm in a run, in order."""
    found: list[Alarm] = []
    held: set[str] = set()
    for end in range(1, len(rows) + 1):
        now = standing(rows[:end])
        found += [alarm for alarm in now if alarm.name not in held]
        held = {alarm.name for alarm in now}
    return found
