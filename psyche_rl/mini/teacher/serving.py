"""Runs the teacher's server in this process until it is told to end.

Invariants: the first line on stdout is the base URL, printed once connections are taken; SIGINT and
SIGTERM end it within seconds, whatever hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import sys
from dataclasses import dataclass

from aiohttp import web

from psyche_rl.errors import ConfigError, TeacherError
from psyche_rl.mini.teacher.arrival_log import ArrivalLog
from psyche_rl.mini.teacher.faults import FaultPlan
from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.mini.teacher.server import TeacherServer

TOKEN_VARIABLE = "PSYCHE_RL_TEACHER_TOKEN"
LAST_REPLIES_S = 1.0  # what calls under way get when the server ends


@dataclass(frozen=True)
class Serving:
    """Where to serve, and until when. Port 0 takes a free one; ``log`` is appended to."""

    port: int = 0
    host: str = "127.0.0.1"
    log: str | None = None
    token: str | None = None
    until_stdin_closes: bool = False

    def check(self) -> None:
        """Refuse to be reachable by others without a token.

        Raises:
            ConfigError: it would be.
        """
        if not self.token and not _is_loopback(self.host):
            raise ConfigError(
                f"serving on {self.host} without a token is refused: set {TOKEN_VARIABLE}, "
                "or keep to 127.0.0.1"
            )


def token_from_environment() -> str | None:
    """The bearer token that callers must send; None where none is set."""
    return os.environ.get(TOKEN_VARIABLE) or None


def serve(flaws: TeacherFlaws, seed: int, plan: FaultPlan, serving: Serving) -> None:
    """Serve until a signal, or stdin's end where ``serving`` says so.

    Raises:
        ConfigError: others could reach it and there is no token, or the log cannot be written.
        TeacherError: the address cannot be taken.
    """
    serving.check()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(flaws, seed, plan, serving))


async def _serve(flaws: TeacherFlaws, seed: int, plan: FaultPlan, serving: Serving) -> None:
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(serving.log, "a", encoding="utf-8")) if serving.log else None
        except OSError as error:
            raise ConfigError(
                f"--log {serving.log}: {error.strerror}; give a file that can be written"
            ) from None
        server = TeacherServer(flaws, seed, ArrivalLog(file), plan, serving.token)
        runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=LAST_REPLIES_S)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, serving.host, serving.port).start()
            except OSError as error:
                raise TeacherError(
                    f"{serving.host} port {serving.port} cannot be taken ({error.strerror}); "
                    "give another --port or --host"
                ) from None
            print(_url(runner), flush=True)
            await _end(serving.until_stdin_closes)
        finally:
            await runner.cleanup()


async def _end(until_stdin_closes: bool) -> None:
    if until_stdin_closes:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        return
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
