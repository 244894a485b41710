"""Joining a Ray cluster: the one we were started in, else a local one.

Inside ``ray job submit`` or beside ``ray start`` the process attaches; elsewhere it starts a local
Ray that ends with it. ``RAY_ADDRESS=local`` forces a local one. Another run's local Ray is never joined:
it would end with that run. A SIGTERM handler of the process stays: Ray would put its own in its place, by
which a process that waits for Ray aborts.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import ray
from ray._private import worker as ray_worker
from ray._private.utils import read_ray_address
from ray.job_config import JobConfig
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.worker_env import WORKER_ENV, worker_runtime_env
from psyche_rl.errors import RemoteWaitError
from psyche_rl.terminal.plain import echo

# A new Ray gives its own agent 15 s to come up, a limit that cannot be set (ray-project/ray#65983): on a
# machine that is busy for a moment the next try finds it free.
STARTS = 3
PROBE_S = 5.0
TOLD_AFTER_S = 3.0
"""A wait for a cluster is told of after so long: an address may be stale."""
_PRINT = ray_worker.print_to_stdstream


def connect(pass_env: Sequence[str] = ()) -> None:
    """Attach to the surrounding Ray cluster or start a local one; a second call does nothing.

    Args:
        pass_env: names, or patterns of names, of variables that the workers are to have from here.

    Raises:
        ConfigError: variables are to be passed on, and the job has a setup hook of its own.
        RemoteWaitError: there is no cluster at ``RAY_ADDRESS``, or a local one does not start.
    """
    if ray.is_initialized():
        return
    for name, value in WORKER_ENV.items():
        os.environ.setdefault(name, value)
    options: dict[str, Any] = {
        "logging_level": logging.WARNING,
        "log_to_driver": os.environ.get("PSYCHE_RL_WORKER_LOGS", "") == "1",
        "runtime_env": worker_runtime_env(pass_env),
    }
    # Ray says at every start that it authenticates with a token, as it should.
    logging.getLogger("ray._private.authentication.authentication_token_setup").setLevel(logging.ERROR)
    ray_worker.print_to_stdstream = _to_stderr
    _init(**options)
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def on_this_node(*, soft: bool) -> NodeAffinitySchedulingStrategy:
    """Where an actor stays with the process that starts it; ``soft``: elsewhere if there is no room."""
    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=soft)


def _to_stderr(data: dict[str, Any], ignore_prefix: bool) -> None:
    """A lost node or the like is told to every driver of its cluster, and on stdout, which is for results."""
    _PRINT({**data, "is_err": True}, ignore_prefix)


def _init(**options: Any) -> None:
    named = os.environ.get("RAY_ADDRESS") or "local"
    if "://" not in named:  # a Ray client's server unpickles it, and may not have this module
        options["job_config"] = _NamedPlaces()
    last = read_ray_address()
    _answers(named, last)
    # None is RAY_ADDRESS, else the last ``ray start`` of this machine, else a new Ray ("auto" would also
    # take any other run's).
    address = "local" if named == "local" and _ended(last) else None
    if named not in ("local", "auto"):
        awaited = f"at RAY_ADDRESS={named}"
    elif last and address is None:
        awaited = f"at {last}, the last ray start of this machine"
    else:
        awaited = "to start on this machine"
    with _told(f"Ray: waiting for the cluster {awaited}"):
        _try(address, named, options)


def _try(address: str | None, named: str, options: dict[str, Any]) -> None:
    for left in reversed(range(STARTS)):
        before = {child.pid for child in psutil.Process().children()}
        try:
            with _sigterm_kept():
                ray.init(address=address, include_dashboard=False, **options)
            return
        except Exception as error:  # Ray raises the bare class where a start takes too long
            for child in psutil.Process().children():
                if child.pid not in before:
                    child.kill()  # what the failed start left running
            if named != "local" or not left:
                why = (str(error).splitlines() or [type(error).__name__])[0]
                raise RemoteWaitError("Ray", "start", None, f"{why}; see to it and run again") from error
            address = "local"  # the last ``ray start`` has ended without a word


@contextmanager
def _told(line: str) -> Iterator[None]:
    """Say what a wait is for if it is one."""
    timer = threading.Timer(TOLD_AFTER_S, echo, (line,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _answers(address: str, last: str | None) -> None:
    """Nobody at an address is told at once: Ray would try for two minutes, and print how."""
    if address == "auto" and last is not None:
        address = f"auto, which is {last}"
        error = _silence(last)
    else:
        error = _silence(address)
    if error is not None:
        why = f"nothing answers at RAY_ADDRESS={address} ({error})"
        raise RemoteWaitError("Ray", "start", None, f"{why}; see to it and run again") from error


def _ended(address: str | None) -> bool:
    """Whether the last ``ray start`` of this machine has left its address and nobody behind it."""
    return address is not None and _silence(address) is not None


def _silence(address: str) -> OSError | None:
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()) or "/" in host:
        return None  # "local", "auto", or a scheme: Ray knows how to find those
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE_S).close()
    except OSError as error:
        return error
    return None


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        yield
    except SystemExit as ended:  # by Ray's handler, while Ray starts
        if ended.code != signal.SIGTERM:
            raise
        handler(signal.SIGTERM, None)
    finally:
        signal.signal(signal.SIGTERM, handler)


class _NamedPlaces(JobConfig):
    """Workers look for modules where the driver does. Ray adds the working directory, before all else: files
    in it would be run by their names. What ``ray job submit --working-dir`` brings was asked for."""

    def _serialize(self) -> Any:
        here = os.path.abspath(os.path.curdir)
        given = self._py_driver_sys_path
        self._py_driver_sys_path = [place for place in given if place != here or place in sys.path]
        return super()._serialize()
