"""Each benchmark starts as its page says: from the repository, by its file, with nothing on PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STARTED = [
    path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "argparse" in path.read_text("utf-8")
]


@pytest.mark.slow
@pytest.mark.parametrize("script", STARTED, ids=lambda path: path.stem)
def test_it_starts(script):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:")
