"""Joining a cluster: a start that fails for the moment is tried again, one that fails for good is named."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import time

import psutil
import pytest
import ray
from ray._private.utils import publish_error_to_driver
from ray.core.generated.common_pb2 import JobConfig

from actors import cluster
from psyche_rl.errors import RemoteWaitError


@pytest.fixture
def starts(monkeypatch):
    """``ray.init`` that leaves a process behind and fails as often as asked; returns the processes."""
    left: list[subprocess.Popen] = []

    def fail_first(failures: int, address: str = "local") -> list[subprocess.Popen]:
        def init(**_):
            left.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
            if len(left) <= failures:
                raise Exception("The current node timed out during startup.\nmore")

        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(cluster.ray, "is_initialized", lambda: False)
        monkeypatch.setattr(cluster.ray, "init", init)
        return left

    yield fail_first
    for process in left:
        process.kill()
        process.wait()
        process.stdin.close()


def test_a_slow_start_is_tried_again_and_leaves_nothing_behind(starts):
    left = starts(2)
    cluster.connect()
    assert len(left) == 3
    assert [process.wait(10) for process in left[:2]] == [-9, -9]
    assert psutil.pid_exists(left[2].pid)


def test_a_start_that_keeps_failing_is_one_line(starts):
    starts(99)
    with pytest.raises(RemoteWaitError) as caught:
        cluster.connect()
    line = "Ray in phase 'start': The current node timed out during startup.; see to it and run again"
    assert str(caught.value) == line


def test_a_given_cluster_that_does_not_take_us_in_is_asked_once(starts):
    with socket.create_server(("127.0.0.1", 0)) as there:
        left = starts(99, address=f"127.0.0.1:{there.getsockname()[1]}")
        with pytest.raises(RemoteWaitError):
            cluster.connect()
    assert len(left) == 1


def test_an_address_at_which_nothing_answers_is_told_without_asking_ray(starts):
    left = starts(0, address="127.0.0.1:1")
    with pytest.raises(RemoteWaitError, match="nothing answers at RAY_ADDRESS"):
        cluster.connect()
    assert left == []


def test_a_stale_address_of_the_last_start_is_told_without_asking_ray(starts, monkeypatch):
    left = starts(0, address="auto")
    monkeypatch.setattr(cluster, "read_ray_address", lambda: "127.0.0.1:1")
    with pytest.raises(RemoteWaitError, match=r"nothing answers at RAY_ADDRESS=auto, which is 127.0.0.1:1"):
        cluster.connect()
    assert left == []


@pytest.mark.parametrize(
    ("address", "last", "awaited"),
    [
        ("local", "there:6379", "at there:6379, the last ray start of this machine"),
        ("local", None, "to start on this machine"),
        ("ray://there:10001", None, "at RAY_ADDRESS=ray://there:10001"),
    ],
)
def test_a_wait_for_a_cluster_says_what_for(starts, monkeypatch, address, last, awaited):
    starts(0, address=address)
    told = queue.Queue()
    monkeypatch.setattr(cluster, "TOLD_AFTER_S", 0.0)
    monkeypatch.setattr(cluster, "echo", lambda line, err: told.put((line, err)))
    monkeypatch.setattr(cluster, "read_ray_address", lambda: last)
    monkeypatch.setattr(cluster, "_silence", lambda _: None)
    monkeypatch.setattr(cluster.ray, "init", lambda **_: told.put(told.get(timeout=30)))
    cluster.connect()
    assert told.get() == (f"Ray: waiting for the cluster {awaited}", True)


def test_workers_do_not_import_from_the_working_directory(tmp_path, monkeypatch):
    def places():
        job = cluster._NamedPlaces()
        job._py_driver_sys_path = ["/opt/scripts", str(tmp_path)]  # as Ray has it
        said = JobConfig()
        said.ParseFromString(job._serialize())
        return list(said.py_driver_sys_path)

    monkeypatch.chdir(tmp_path)
    assert places() == ["/opt/scripts"]
    monkeypatch.syspath_prepend(str(tmp_path))  # named by whoever started the driver
    assert places() == ["/opt/scripts", str(tmp_path)]


def test_what_ray_says_of_the_cluster_goes_to_stderr(ray_local, capsys):
    """Ray tells every driver of a lost node on stdout, in the middle of ``workers --json``."""
    publish_error_to_driver("node_died", "a node was lost", ray.get_runtime_context().worker.gcs_client)
    said = ""
    deadline = time.monotonic() + 30
    while "a node was lost" not in said and time.monotonic() < deadline:
        time.sleep(0.05)
        out, err = capsys.readouterr()
        assert out == ""
        said += err
    assert "a node was lost" in said
