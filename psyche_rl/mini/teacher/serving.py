"""Runs the teacher's server in this process until it is told to end.

Invariants:
- The first line on stdout is the base URL, printed once connections are taken.
- SIGINT and SIGTERM end it within seconds, whatever hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass

from aiohttp import web

from psyche_rl.errors import ConfigError
from psyche_rl.mini.teacher.arrival_log import ArrivalLog
from psyche_rl.mini.teacher.faults import FaultPlan
from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.mini.teacher.server import TeacherServer
from psyche_rl.serving import ANY_FREE_PORT, Address, url_of
from psyche_rl.terminal.plain import echo

TOKEN_VARIABLE = "PSYCHE_RL_TEACHER_TOKEN"
LAST_REPLIES_S = 1.0  # what calls under way get when the server ends
IDLE_S = 15.0  # what a connection without a request is kept open


@dataclass(frozen=True)
class Serving:
    """Where to serve, and until when; ``log`` is appended to."""

    address: Address = ANY_FREE_PORT
    log: str | None = None
    until_stdin_closes: bool = False


def serve(flaws: TeacherFlaws, seed: int, plan: FaultPlan, serving: Serving) -> None:
    """Serve until a signal, or stdin's end where ``serving`` says so.

    Raises:
        ConfigError: others could reach it and there is no token, the address cannot be had, or the log
            cannot be written.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(flaws, seed, plan, serving))


async def _serve(flaws: TeacherFlaws, seed: int, plan: FaultPlan, serving: Serving) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(serving.address.listen())
        try:
            file = stack.enter_context(open(serving.log, "a", encoding="utf-8")) if serving.log else None
        except OSError as error:
            raise ConfigError(
                f"--log {serving.log}: {error.strerror}; give a file that can be written"
            ) from None
        server = TeacherServer(flaws, seed, ArrivalLog(file), plan, serving.address)
        app, last = server.app(), LAST_REPLIES_S
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=last, keepalive_timeout=IDLE_S)
        await runner.setup()
        try:
            protocol = runner.server
            if protocol is None:
                raise RuntimeError("aiohttp's runner has no server after its set-up")
            loop = asyncio.get_running_loop()
            taking = await loop.create_server(lambda: server.deadlines.timed(protocol()), sock=listener)
            echo(f"{url_of(listener)}/v1")
            await _end(serving.until_stdin_closes)
            taking.close()
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
