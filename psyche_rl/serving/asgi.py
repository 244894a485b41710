"""An ASGI app behind :class:`RequestLimits`, and the server that runs it.

Invariants:
- A body is read whole, no further than its limit and looked at before the app sees the request; all bodies
  that are held at a time have a limit too.
- A defect of a route is answered with 500 and logged by its place alone: messages may hold what was sent.
- Whoever does not finish the head of a request is sent away (``head_deadline``).
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from psyche_rl.serving.head_deadline import HeadDeadlines
from psyche_rl.serving.limits import RequestLimits

if TYPE_CHECKING:
    import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
BODIES_AT_A_TIME = 8
"""So many of the largest bodies are held; whoever comes with more is asked to come again."""
log = logging.getLogger("psyche_rl.serving")


def http_server(app: App, grace_s: int | None = None) -> uvicorn.Server:
    """A server for ``app`` that logs no requests; ``grace_s`` is what those under way get at its end."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    deadlines = HeadDeadlines()

    async def timed(scope: Message, receive: Receive, send: Send) -> None:
        deadlines.began(scope.get("client"))
        try:
            await app(scope, receive, send)
        finally:
            deadlines.ended(scope.get("client"))

    def protocol(*arguments: Any, **settings: Any) -> asyncio.Protocol:
        return deadlines.timed(H11Protocol(*arguments, **settings))

    made: Any = protocol
    config = uvicorn.Config(
        timed,
        http=made,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace_s,
    )
    return uvicorn.Server(config)


class Limited:
    """ASGI middleware."""

    def __init__(self, app: App, limits: RequestLimits) -> None:
        self._app, self._limits = app, limits
        self._held = 0  # bytes of bodies under way

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
        body, begun = bytearray(), False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._limits.request_s):
                refusal = await self._fill(body, receive)
                if refusal:
                    await _answer(send, *refusal)
                else:
                    await self._app(scope, _replay(bytes(body), receive), noting)
        except TimeoutError:
            if not begun:
                await _answer(send, 504, self._limits.too_slow)
        except Exception as error:
            log.error("%s %s: %s", scope["method"], ascii(scope["path"][:80]), place_of(error))
            if not begun:
                await _answer(send, 500, "a defect of the server; its log says where")
        finally:
            self._held -= len(body)

    async def _fill(self, body: bytearray, receive: Receive) -> tuple[int, str] | None:
        """Read the whole body, or say why not: routes would take an error here for bad JSON."""
        try:
            async with asyncio.timeout(self._limits.body_s):
                while True:
                    message = await receive()
                    part = message.get("body", b"")
                    body += part
                    self._held += len(part)
                    if len(body) > self._limits.max_body:
                        return 413, self._limits.too_large
                    if self._held > BODIES_AT_A_TIME * self._limits.max_body:
                        return 503, "too many large bodies at a time; try again"
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            return 408, self._limits.body_too_slow
        return await self._limits.body_refusal(bytes(body))


def place_of(error: BaseException) -> str:
    """Kind and place of a defect, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"


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
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
