"""Closes connections that never finish the head of a request; neither uvicorn nor aiohttp has a limit for it.

Role: stands between the sockets of a server and its protocol. Collaborators: whoever handles requests says
when the head of one has come whole (:meth:`HeadDeadlines.began`) and when it has been answered.
Invariants:
- A connection without a request under way is closed after ``seconds``, whatever trickles in.
- Nothing is read or changed on the way.
"""

from __future__ import annotations

import asyncio
from typing import Any

HEAD_S = 20.0
Peer = tuple[Any, ...]


class HeadDeadlines:
    """Of the connections of one server, known by the address of who called."""

    def __init__(self, seconds: float = HEAD_S) -> None:
        self.seconds = seconds
        self._connections: dict[Peer, _Timed] = {}

    def timed(self, inner: asyncio.Protocol) -> asyncio.Protocol:
        """``inner`` for a connection whose time is watched."""
        return _Timed(inner, self)

    def began(self, peer: Any) -> None:
        """A request's head has come from ``peer``."""
        if (connection := self._connections.get(_key(peer))) is not None:
            connection.rest()

    def ended(self, peer: Any) -> None:
        """It has been answered; the next one may come on the same connection."""
        if (connection := self._connections.get(_key(peer))) is not None:
            connection.wait()

    def opened(self, peer: Any, connection: _Timed) -> None:
        """A connection has been made."""
        self._connections[_key(peer)] = connection

    def closed(self, peer: Any, connection: _Timed) -> None:
        """It is gone."""
        if self._connections.get(_key(peer)) is connection:
            del self._connections[_key(peer)]


class _Timed(asyncio.Protocol):
    def __init__(self, inner: asyncio.Protocol, deadlines: HeadDeadlines) -> None:
        self._inner, self._deadlines = inner, deadlines
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._peer: Any = None

    def rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def wait(self) -> None:
        self.rest()
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._deadlines.seconds, self._transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made: Any = transport  # of asyncio or of uvloop
        self._transport, self._peer = made, transport.get_extra_info("peername")
        self._deadlines.opened(self._peer, self)
        self.wait()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.rest()
        self._transport = None
        self._deadlines.closed(self._peer, self)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def _key(peer: Any) -> Peer:
    """Host and port: IPv6 tells more, and servers tell no more of it."""
    return tuple(peer[:2]) if isinstance(peer, list | tuple) else ()
