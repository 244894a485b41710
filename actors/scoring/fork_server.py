"""The fork server: a process that has the reward loaded and forks a scoring process in milliseconds.

Role: it has one thread and scores nothing itself, so forking it is safe and a crash in a scorer does not
reach it. Collaborators: ``fork_client`` starts it and sends it orders; ``worker_main`` runs in the forks.

Protocol:

- standard input holds a pickled :class:`WorkerSpec`;
- orders are messages on a socket whose file descriptor is the last argument; answers are JSON;
- an order with a file descriptor: fork a process that serves it;
- an order without: wait for the process whose id it holds.

Invariants:

- when the other end of the socket closes, the fork server ends, and every process it has forked ends with
  it, even one that hangs;
- a process that has ended stays a zombie until it is waited for, so that its id is never someone else's.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pickle
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from actors.scoring.worker_main import serve
from rewards import Reward

PR_SET_PDEATHSIG = 1
MAX_ORDER = 64


@dataclass(frozen=True)
class WorkerSpec:
    """What scoring processes are made of: the reward, pickled, and the limits that it is scored in.

    ``memory_mib`` bounds the address space of each; ``path`` is where modules are looked for after this
    interpreter's own places.
    """

    reward: bytes
    timeout_s: float
    memory_mib: int | None = None
    path: tuple[str, ...] = ()


def main() -> None:
    """Carry out orders until there can be no more."""
    orders = socket.socket(fileno=int(sys.argv[-1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that sends the orders
    spec: WorkerSpec = pickle.load(sys.stdin.buffer)
    sys.path += [place for place in spec.path if place not in sys.path]
    try:
        reward: Reward = pickle.loads(spec.reward)
        answer = {"name": reward.name, "concurrent": reward.is_async}
    except Exception as error:
        _answer(orders, {"error": f"{type(error).__name__}: {error}"})
        return
    _answer(orders, answer)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy the pages that it shares
    while True:
        order, fds, _, _ = socket.recv_fds(orders, MAX_ORDER, 1)
        if not order:
            return
        if fds:
            _answer(orders, {"pid": _fork(orders, fds[0], reward, spec)})
        else:
            with suppress(ChildProcessError):
                os.waitpid(int(order), 0)


def _fork(orders: socket.socket, fd: int, reward: Reward, spec: WorkerSpec) -> int:
    server = os.getpid()
    pid = os.fork()
    if pid:
        os.close(fd)
        with suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    try:
        with suppress(OSError):
            os.setpgid(0, 0)  # what a scorer starts is killed with it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        orders.close()
        if os.getppid() == server:
            _limit_memory(spec.memory_mib)
            serve(reward, socket.socket(fileno=fd), spec.timeout_s)
    except (BrokenPipeError, ConnectionResetError):
        pass  # nobody waits for this score any more
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)  # no exit handler of the fork server runs twice


def _limit_memory(mib: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if mib is not None:
        resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))


def _answer(orders: socket.socket, answer: dict[str, Any]) -> None:
    orders.send(json.dumps(answer).encode())
