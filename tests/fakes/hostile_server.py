"""A server that sends raw bytes in place of HTTP, in pieces, and then stays, leaves or breaks off."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

ENDS = ("close", "stay", "abort")


@dataclass(frozen=True)
class Hostility:
    """What every request gets: ``pieces`` with a pause after each, then ``end``."""

    pieces: Sequence[bytes]
    end: Literal["close", "stay", "abort"] = "close"
    pause_s: float = 0.0


@contextlib.asynccontextmanager
async def hostile(act: Hostility) -> AsyncIterator[str]:
    """The base URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            ConnectionError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError
        ):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            for piece in act.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(act.pause_s)
            if act.end == "stay":
                await reader.read()
            if act.end == "abort":
                writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
