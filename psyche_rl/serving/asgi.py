"""An ASGI app behind :class:`RequestLimits`, and the server that runs it.

Invariant: a body is read whole, and no further than its limit, before the app sees the request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from psyche_rl.serving.limits import RequestLimits

if TYPE_CHECKING:
    import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def http_server(app: App, grace_s: int | None = None) -> uvicorn.Server:
    """A server for ``app`` that logs no requests; ``grace_s`` is what those under way get at its end."""
    import uvicorn

    config = uvicorn.Config(
        app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=grace_s
    )
    return uvicorn.Server(config)


class Limited:
    """ASGI middleware."""

    def __init__(self, app: App, limits: RequestLimits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {_text(name): _text(value) for name, value in scope["headers"]}
        refusal = self._limits.refusal(scope["path"], headers)
        if refusal:
            await _answer(send, *refusal)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._limits.request_s):
                body = await self._body(receive)
                if body is None:
                    await _answer(send, 413, self._limits.too_large)
                else:
                    await self._app(scope, _replay(body, receive), noting)
        except TimeoutError:
            if not begun:
                await _answer(send, 504, self._limits.too_slow)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, or None where it is too large: routes would take an error here for bad JSON."""
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._limits.max_body:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _replay(body: bytes, receive: Receive) -> Receive:
    first = True

    async def replayed() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
