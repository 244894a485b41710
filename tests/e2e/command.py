"""The command line as a user runs it: a process of its own, in the repository's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TINY = "tests/e2e/tiny.yaml"


def environment(**more: str) -> dict[str, str]:
    """One thread, a Ray of its own."""
    return {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", **more}


def psyche_rl(*arguments: object, timeout: float = 840) -> subprocess.CompletedProcess[str]:
    """Run ``psyche-rl`` with ``arguments`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "launch", *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
