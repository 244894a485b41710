"""The tiny run, made once for all slow tests of a session, and copies of it that begin at a later stage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

REPOSITORY = Path(__file__).parents[2]
TINY = "tests/e2e/tiny.yaml"


def make_once(shared: Path) -> Path:
    """Folder of the finished run under ``shared``, made by the process that comes first; never written in."""
    folder = shared / "finished_run"
    with FileLock(shared / "finished_run.lock"):
        if not (folder / "report").exists():
            done = subprocess.run(
                [sys.executable, "-m", "launch", "run", TINY, f"run_dir={folder}"],
                cwd=REPOSITORY,
                env={**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                timeout=840,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return folder


def begin_at(stage: str, finished: Path, copy: Path) -> Path:
    """``copy``, made as the run was before ``stage``: for settings that earlier stages know nothing of."""
    shutil.copytree(finished, copy)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    stages = list(manifest["stages"])
    for later in stages[stages.index(stage) :]:
        shutil.rmtree(copy / later)
        del manifest["stages"][later]
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return copy
