"""``psyche-rl rewards up | status | down`` as a user types them, beside a running cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


def rewards(*arguments: object, address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launch", "rewards", *map(str, arguments)],
        env={**os.environ, "RAY_ADDRESS": address, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_up_status_down(ray_local, tmp_path):
    import ray

    from actors.scoring import named_pools

    address = ray.get_runtime_context().gcs_address
    file = tmp_path / "set.yaml"
    file.write_text("name: law\ncompose: sum\nrewards:\n- reward: mcq_strict\n", "utf-8")
    up = rewards("up", file, "--workers", 1, address=address)
    try:
        assert up.returncode == 0, up.stderr
        name, reward, fingerprint, workers = up.stdout.split("  ")[:4]
        assert (name, reward, workers) == ("law", "reward=law", "workers=1 (1 to 4)")
        status = rewards("status", address=address)
        assert (status.returncode, status.stdout.split("  ")[:4]) == (0, [name, reward, fingerprint, workers])
        file.write_text("name: law\ncompose: sum\nrewards:\n- reward: mcq_elastic\n", "utf-8")
        other = rewards("up", file, address=address)
        assert other.returncode == 2
        assert "is wanted; start another pool" in other.stderr
        assert len(other.stderr.splitlines()) == 1
    finally:
        down = rewards("down", "law", address=address)
    assert (down.returncode, down.stdout) == (0, "law: ended\n")
    assert named_pools.names() == []


def test_without_a_cluster_there_is_nowhere_to_stay(tmp_path):
    refused = rewards("status", address="local")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: no Ray cluster is running")
