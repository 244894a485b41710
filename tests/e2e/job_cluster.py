"""A Ray cluster that jobs are submitted to: a head of our own, and nodes beside it, by ``ray start --block``.

Folder, ports and token are not shared with any other Ray of this machine. Everything ends by its process id,
since ``ray stop`` would end every Ray there is.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from command import REPOSITORY, environment

BIN = Path(sys.executable).parent
START_S = 120.0
HERE = "127.0.0.1"


class JobCluster:
    """Use it as a context; ``logs`` is a folder for the output of its processes."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._folders: list[str] = []
        self.env = environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(16))
        del self.env["RAY_ADDRESS"]  # the tests' own "local" would keep the job out of its cluster
        self.env["PATH"] = f"{BIN}:{self.env['PATH']}"
        self._gcs, dashboard, self._agent, self._client = _free_ports(4)
        self.url = f"http://{HERE}:{dashboard}"
        self._dashboard = dashboard
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> JobCluster:
        head = self._start(
            "--head", f"--port={self._gcs}", "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self._dashboard}", f"--dashboard-agent-listen-port={self._agent}",
            f"--ray-client-server-port={self._client}",
        )  # fmt: skip
        self._wait_for(head, self._agent)  # jobs can be submitted once it listens, which comes last
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            _end(process)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """What RAY_ADDRESS is for those who are to join."""
        return f"{HERE}:{self._gcs}"

    def add_node(self) -> subprocess.Popen[bytes]:
        """One more raylet, beside the head's."""
        (agent,) = _free_ports(1)
        node = self._start(f"--address={self.address}", f"--dashboard-agent-listen-port={agent}")
        self._wait_for(node)
        return node

    def lose(self, node: subprocess.Popen[bytes]) -> None:
        """SIGKILL its raylet; the rest of the node goes with it."""
        for process in self.processes("raylet/raylet", node):
            os.kill(process.pid, signal.SIGKILL)

    def processes(self, title: str, *nodes: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """Those of some nodes (all, if none is given) whose command has ``title`` in it."""
        found = []
        for node in nodes or self._started:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(node.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        if title in " ".join(child.cmdline()):
                            found.append(child)
        return found

    def ray(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run the ``ray`` command against this cluster."""
        return self._run([str(BIN / "ray"), *arguments], timeout)

    def psyche_rl(self, *arguments: object, timeout: float = 300, **more: str) -> str:
        """Run ``psyche-rl`` from a shell that has the cluster's token, and ``more``; returns what it says."""
        done = self._run([sys.executable, "-m", "launch", *map(str, arguments)], timeout, **more)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def submit(self, name: str, *entrypoint: object) -> SubmittedJob:
        """``ray job submit``, whose output goes to a file."""
        command = [
            str(BIN / "ray"), "job", "submit", "--address", self.url, "--working-dir", str(REPOSITORY), "--",
            *map(str, entrypoint),
        ]  # fmt: skip
        log = self._logs / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=self.env, stdout=out, stderr=out)
        return SubmittedJob(process, log)

    # -- inside --------------------------------------------------------------------------------
    def _run(self, command: list[str], timeout: float, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**self.env, **more},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _log(self, number: int) -> Path:
        return self._logs / f"node_{number}.log"

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        # One for each node, or they take each other's copies of the working directory away. Sockets bear no
        # long paths.
        self._folders.append(tempfile.mkdtemp(prefix="psyche-rl-ray-", dir="/tmp"))
        with self._log(len(self._started)).open("w") as out:
            process = subprocess.Popen(
                [
                    str(BIN / "ray"), "start", "--block", "--num-cpus=2", "--disable-usage-stats",
                    f"--node-ip-address={HERE}", "--min-worker-port=0", "--max-worker-port=0",
                    f"--temp-dir={self._folders[-1]}", *options,
                ],
                env=self.env, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._started.append(process)
        return process

    def _wait_for(self, process: subprocess.Popen[bytes], port: int | None = None) -> None:
        log, deadline = self._log(self._started.index(process)), time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            if "Ray runtime started" in log.read_text("utf-8") and (port is None or _listens(port)):
                return
            time.sleep(0.2)
        raise AssertionError(log.read_text("utf-8")[-4000:])


class SubmittedJob:
    """A job, followed by the command that submitted it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def finish(self, seconds: float) -> str:
        """Wait for a good end; returns its output."""
        try:
            code = self._process.wait(seconds)
        finally:
            self._process.kill()
        assert code == 0, self.said()[-9000:]
        return self.said()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex((HERE, port))


def _free_ports(count: int) -> list[int]:
    """Ports outside the range of Ray's workers (10002 to 19999) and of the kernel's own choice."""
    found: list[int] = []
    while len(found) < count:
        port = 20000 + secrets.randbelow(12000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HERE, port))
            found.append(port)
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a node and what it started, by their ids."""
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
