"""What a machine says of itself, by a driver that only seems to be there."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

from actors.placement.local_node import gpu_memories, this_node


def driver(output, code=0):
    return lambda *_, **__: SimpleNamespace(returncode=code, stdout=output)


def missing(*_, **__):
    raise FileNotFoundError


def late(*_, **__):
    raise subprocess.TimeoutExpired("nvidia-smi", 20)


def test_memory_is_that_of_the_driver_or_not_known():
    assert gpu_memories(driver("81559\n 24576 \n")) == [81559 * 2**20, 24576 * 2**20]
    assert gpu_memories(driver("[N/A]\n")) == []
    assert gpu_memories(driver("81559\n", code=9)) == []
    assert gpu_memories(missing) == gpu_memories(late) == []


def test_the_smallest_gpu_counts_for_all():
    node = this_node(driver("81559\n24576\n"))
    assert node.gpu_gib == 24.0
    assert node.cpus >= 1
    assert node.host_gib > 0
    assert this_node(missing).gpu_gib == 0


def test_gpus_that_are_hidden_are_not_counted(monkeypatch):
    monkeypatch.setattr("actors.placement.local_node.Path.glob", lambda *_: ["nvidia0", "nvidia1", "nvidia2"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert this_node(missing).gpus == 3
    for visible, count in (("", 0), ("0", 1), ("0,2", 2), ("0,1,2,3", 3)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert this_node(missing).gpus == count
