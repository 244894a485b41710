"""Runs the scripted teacher as a process of its own, for as long as somebody needs it.

Invariant: the process ends with its owner, also when the owner is killed: it watches a pipe that the
owner holds open.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from psyche_rl.errors import TeacherError
from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.own_python import python, search_path


@contextlib.contextmanager
def start_teacher(flaws: TeacherFlaws, seed: int, log: str | Path | None = None) -> Iterator[str]:
    """Start a teacher on a free loopback port and yield its ``base_url``.

    Raises:
        TeacherError: it did not come up.
    """
    settings = {"flaws": dataclasses.asdict(flaws), "seed": seed, "log": str(log) if log else None}
    process = subprocess.Popen(
        python("-m", "psyche_rl.mini.teacher", json.dumps(settings)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search_path()},
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise TeacherError("the scripted teacher was started without pipes")
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise TeacherError("the scripted teacher did not start; run 'psyche-rl teacher' to see why")
        yield url
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
