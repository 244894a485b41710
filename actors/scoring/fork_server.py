"""The process that scoring processes are forked from: it has the reward loaded, so a fork takes milliseconds.

Role: a process of one thread that scores nothing itself, so that forking it is safe and a crash in a
scorer does not reach it. ``Nursery`` (in ``nursery_link``) starts it and gives it orders.
Protocol: standard input holds a pickled :class:`Upbringing`; orders are messages on a socket whose file
descriptor is the last argument. An order with a descriptor: fork a process that serves it. An order
without: wait for the process of that id. Answers are JSON.
Invariants: when the other end of the socket closes, the nursery ends, and with it every process it has
made, even one that hangs; a process that has ended stays a zombie until it is waited for, so that its id
is never someone else's.
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
class Upbringing:
    """What a nursery is told at its start: the reward, pickled, and what is fixed for its scoring.

    ``memory_mib`` bounds the address space of a scoring process; ``path`` is where modules are looked for
    after this interpreter's own places.
    """

    reward: bytes
    timeout_s: float
    memory_mib: int | None = None
    path: tuple[str, ...] = ()


def main() -> None:
    """Carry out orders until there can be no more."""
    orders = socket.socket(fileno=int(sys.argv[-1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever gives the orders
    upbringing: Upbringing = pickle.load(sys.stdin.buffer)
    sys.path += [place for place in upbringing.path if place not in sys.path]
    try:
        reward: Reward = pickle.loads(upbringing.reward)
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
            _answer(orders, {"pid": _fork(orders, fds[0], reward, upbringing)})
        else:
            with suppress(ChildProcessError):
                os.waitpid(int(order), 0)


def _fork(orders: socket.socket, fd: int, reward: Reward, upbringing: Upbringing) -> int:
    nursery = os.getpid()
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
        if os.getppid() == nursery:
            _limit_memory(upbringing.memory_mib)
            serve(reward, socket.socket(fileno=fd), upbringing.timeout_s)
    except (BrokenPipeError, ConnectionResetError):
        pass  # nobody waits for this score any more
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)  # nothing of the nursery's is torn down twice


def _limit_memory(mib: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if mib is not None:
        resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))


def _answer(orders: socket.socket, answer: dict[str, Any]) -> None:
    orders.send(json.dumps(answer).encode())
