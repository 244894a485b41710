"""Copies of the tree, each with a warm process that runs tests in it.

Collaborators: ``mutant_runs`` is that process. Invariant: the checkout is only read.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]


class Worker:
    """A copy of the tree and the warm process that works in it."""

    def __init__(self, folder: Path, files: list[str]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
        environment = {
            **os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        }  # fmt: skip
        script = str(ROOT / "scripts" / "mutant_runs.py")
        self._log = (folder.parent / f"{folder.name}.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, script, str(folder)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip

    def ask(self, **job: Any) -> dict[str, Any]:
        """Send a job and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: a worker died; see {self._log.name}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def spread(workers: list[Worker], work: Iterable[T], do: Callable[[Worker, T], object]) -> None:
    """``do`` every piece of work on whichever worker is free."""
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    for piece in work:
        waiting.put(piece)

    def run(worker: Worker) -> None:
        with suppress(queue.Empty):
            while True:
                do(worker, waiting.get_nowait())

    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(run, worker) for worker in workers]:
            done.result()


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [file for file in listed if (ROOT / file).is_file()]
