"""The settings that were not the same, by what each stage's entry in the manifest says it was run with.

Pure. Invariants:
- A setting is compared between runs that have its stage; a run without it shows nothing there.
- Settings that decide results come first, then those that may change (``psyche_rl.config.keys.marks``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psyche_rl.config.keys import marks
from psyche_rl.report.accuracies import NONE
from psyche_rl.run_comparison.compared_run import ComparedRun


@dataclass(frozen=True)
class SettingDifference:
    """``values``: one for each run, in their order; ``absent`` says which of them have no such stage."""

    key: str
    stages: tuple[str, ...]
    values: tuple[Any, ...]
    absent: tuple[bool, ...]
    decides: bool


def setting_text(value: Any) -> str:
    """A value as a config has it; – is unset."""
    if value is None:
        return NONE
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def setting_differences(runs: Sequence[ComparedRun]) -> list[SettingDifference]:
    """Keys on which two of the runs disagree; a key that several stages were run with stands there once where
    they agree, else once for each way in which the runs differ."""
    found: dict[tuple[str, str, tuple[bool, ...]], list[str]] = {}
    held: dict[tuple[str, str, tuple[bool, ...]], tuple[Any, ...]] = {}
    for stage in dict.fromkeys(stage for run in runs for stage in run.stages):
        entries = [run.stages.get(stage) for run in runs]
        absent = tuple(entry is None for entry in entries)
        for key in sorted({key for entry in entries if entry for key in entry.settings}):
            values = tuple(entry.settings.get(key) if entry else None for entry in entries)
            compared = [value for value, none in zip(values, absent, strict=True) if not none]
            if any(value != compared[0] for value in compared[1:]):
                which = (key, repr(values), absent)
                found.setdefault(which, []).append(stage)
                held[which] = values
    differences = [
        SettingDifference(key, tuple(stages), held[key, said, absent], absent, key not in marks())
        for (key, said, absent), stages in found.items()
    ]
    return sorted(differences, key=lambda difference: not difference.decides)
