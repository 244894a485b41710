"""``ray job submit`` of a whole run: every stage works in the cluster that the job was given."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from command import REPOSITORY, TINY, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BIN = Path(sys.executable).parent
START_S = 120.0


@dataclass(frozen=True)
class Head:
    """A running head: its dashboard and what a client must have in its environment."""

    url: str
    env: dict[str, str]

    def ray(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run the ``ray`` command against this head."""
        return subprocess.run(
            [str(BIN / "ray"), *arguments],
            cwd=REPOSITORY,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    """A head of our own: folder, ports and token are not shared with any other Ray of this machine."""
    folder = tempfile.mkdtemp(prefix="psyche-rl-ray-", dir="/tmp")  # sockets bear no long paths
    gcs, dashboard, agent, client = _free_ports(4)
    env = environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(16))
    del env["RAY_ADDRESS"]  # the tests' own "local" would keep the job out of its cluster
    env["PATH"] = f"{BIN}:{env['PATH']}"
    log = tmp_path_factory.mktemp("head") / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                str(BIN / "ray"), "start", "--head", "--block", "--num-cpus=2", "--disable-usage-stats",
                "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}",
                f"--port={gcs}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}",
                f"--ray-client-server-port={client}", "--min-worker-port=0", "--max-worker-port=0",
            ],
            env=env, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_for(process, agent, log)
        yield Head(f"http://127.0.0.1:{dashboard}", env)
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_submitted_run_works_in_its_cluster(head, tmp_path):
    run_dir = tmp_path / "run"
    entrypoint = ["python", "-m", "launch", "run", TINY, f"run_dir={run_dir}"]
    submit = ["job", "submit", "--address", head.url, "--working-dir", str(REPOSITORY), "--", *entrypoint]
    ended = head.ray(*submit, timeout=700)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-3000:]
    stages = json.loads((run_dir / "manifest.json").read_text("utf-8"))["stages"]
    assert {entry["status"] for entry in stages.values()} == {"done"}
    assert (run_dir / "report" / "report.html").is_file()

    # Each stage's actors were this cluster's, all in one job; nobody started a Ray beside it.
    listed = head.ray(
        "list", "actors", "--address", head.url, "--format", "json", "--limit", "1000", timeout=60
    )
    assert listed.returncode == 0, listed.stderr
    actors = json.loads(listed.stdout)
    jobs = {actor["job_id"] for actor in actors if actor["class_name"] == "LearnerRank"}
    assert len(jobs) == 1
    ours = {actor["class_name"].split("(")[0] for actor in actors if actor["job_id"] in jobs}
    assert ours >= {"LLMClientActor", "LearnerRank", "RolloutWorker", "_PoolActor"}
    assert any(
        "SelectorEngine" in actor["class_name"] or "MapWorker" in actor["class_name"] for actor in actors
    )
    assert "Started a local Ray instance" not in ended.stdout


def _free_ports(count: int) -> list[int]:
    """Ports outside the range of Ray's workers (10002 to 19999) and of the kernel's own choice."""
    found: list[int] = []
    while len(found) < count:
        port = 20000 + secrets.randbelow(12000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    """Jobs can be submitted once the dashboard's agent listens, which comes last."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if "Ray runtime started" in log.read_text("utf-8") and not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8")[-4000:])


def _end(process: subprocess.Popen) -> None:
    """End the head and what it started, by their ids (``ray stop`` would end every Ray of the machine)."""
    family = [process]
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
