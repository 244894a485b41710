"""The client of a fork server: starts it, has it fork scoring processes, and kills these.

Blocking, since a fork takes milliseconds; a start takes as long as loading the reward.
Collaborator: ``fork_server``, which describes the protocol.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

from actors.scoring.fork_server import WorkerSpec
from actors.scoring.shipping import pickled_reward
from psyche_rl.errors import ConfigError, RemoteWaitError
from psyche_rl.own_python import python, search_path
from rewards import Reward

MAIN = "from actors.scoring.fork_server import main; main()"
START_S = 120.0
"""Deadline for loading the reward."""
FORK_S = 20.0
MAX_ANSWER = 1 << 16


def worker_spec(reward: Reward, timeout_s: float, memory_mib: int | None = None) -> WorkerSpec:
    """What a fork server needs, here or on another machine.

    The reward travels with its own modules (``shipping``).
    """
    path = tuple(os.path.abspath(entry) for entry in sys.path if entry)  # "" is the working directory
    return WorkerSpec(pickled_reward(reward), timeout_s, memory_mib, path)


class ForkClient:
    """A fork server of our own.

    Raises:
        ConfigError: the reward cannot be loaded there.
        RemoteWaitError: the process died, or is not ready in time.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        # Sequenced packets, so that orders stay apart.
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                python("-c", MAIN, str(theirs.fileno())),
                stdin=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": search_path(sys.path)},
                pass_fds=[theirs.fileno()],
            )
        if self._process.stdin is not None:
            with suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(pickle.dumps(spec))
        ready = self._answer("load the reward", START_S)
        if "error" in ready:
            self.close()
            raise ConfigError(f"the reward cannot be loaded in a scoring process: {ready['error']}")
        self.concurrent: bool = ready["concurrent"]
        self.reward_name: str = ready["name"]

    @property
    def pid(self) -> int:
        """The fork server's process id."""
        return self._process.pid

    def fork(self) -> tuple[int, socket.socket]:
        """One more scoring process: its id and the stream to it."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._orders, [b"fork"], [theirs.fileno()])
                answer = self._answer("fork", FORK_S)
            except OSError as error:
                ours.close()
                raise RemoteWaitError(
                    "reward fork server", "fork", None, f"its process died: {error}"
                ) from error
            except BaseException:
                ours.close()
                raise
        return int(answer["pid"]), ours

    def end(self, pid: int) -> None:
        """Kill a scoring process and what it has started; the fork server may have ended already."""
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)
        with suppress(OSError):
            self._orders.send(str(pid).encode())  # far shorter than MAX_ORDER

    def close(self) -> None:
        """End the fork server and with it all scoring processes."""
        self._orders.close()
        self._process.kill()
        self._process.wait()

    def _answer(self, phase: str, deadline_s: float) -> dict[str, Any]:
        self._orders.settimeout(deadline_s)
        try:
            message = self._orders.recv(MAX_ANSWER)
        except TimeoutError:
            message = b""
            why = f"no answer within {deadline_s:.0f} s"
        except OSError as error:
            message, why = b"", str(error)
        else:
            why = "its process died; its output is in the worker's log"
        if not message:
            self.close()
            raise RemoteWaitError("reward fork server", phase, None, why)
        answer: dict[str, Any] = json.loads(message)
        return answer
