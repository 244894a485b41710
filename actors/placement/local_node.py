"""What this machine has: GPUs and their memory, cores, memory. Light: no Ray, no torch.

Collaborators: ``live_cluster`` asks it on every node; ``launch.checks`` for a machine without a running Ray.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from psyche_rl.placement.cluster_shape import GIB, Node

_MIB = 2**20


def this_node(run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> Node:
    """This machine; the memory of the smallest GPU counts for all (0: the driver does not say)."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if visible is not None:
        gpus = min(gpus, len([name for name in visible.split(",") if name]))
    memory = min(gpu_memories(run), default=0) / GIB
    return Node(gpus, round(memory, 1), os.cpu_count() or 1, round(psutil.virtual_memory().total / GIB, 1))


def gpu_memories(run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> list[int]:
    """Bytes of each GPU that the driver knows; none without a driver."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line.strip() for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return [int(line) * _MIB for line in lines if line.isdecimal()]
