"""The machine and the versions that a benchmark's figures belong to."""

from __future__ import annotations

import platform

from psyche_rl.store.environment import environment


def describe_machine() -> dict[str, object]:
    """The processor, and what a run's manifest holds of code, machine and libraries; not the host's name."""
    return {"processor": _processor(), **{k: v for k, v in environment().items() if k != "host"}}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.split(":")[1].strip() for line in file if "model name" in line), "unknown")
    except OSError:
        return platform.processor() or "unknown"
