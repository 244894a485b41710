"""A run folder of ``tests/e2e/tiny.yaml`` in which stage grpo is what comes next: made once, and copied."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TINY = "tests/e2e/tiny.yaml"
BEFORE_GRPO = ("world", "synth", "select", "sft")
MAKE = """
import sys
from launch.pipeline import run_stages
from psyche_rl.config import load_config
run_stages(load_config(sys.argv[1], [f"run_dir={sys.argv[2]}"]), sys.argv[3:])
"""


def make_base(folder: Path) -> None:
    """All stages before grpo in ``folder``, in a process of its own; what is finished there is skipped."""
    done = subprocess.run(
        [sys.executable, "-c", MAKE, TINY, str(folder), *BEFORE_GRPO],
        cwd=ROOT,
        env={**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
