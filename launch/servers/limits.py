"""What every request must keep to before a route sees it: token, host, size of body, time.

ASGI middleware. Invariants: the token is compared in constant time and looked at before a byte of the
body is read; ``/health`` needs none, since whoever watches a server is not who may use it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
OPEN = ("/health",)


class Limits:
    """``hosts``: names by which the server may be called, against rebinding; ``open_paths`` need no token."""

    def __init__(
        self,
        app: App,
        token: str | None,
        max_body: int,
        request_s: float,
        hosts: Sequence[str] | None,
        open_paths: Sequence[str] = OPEN,
    ) -> None:
        self._app, self._token, self._max_body, self._request_s = app, token, max_body, request_s
        self._hosts, self._open = hosts, open_paths

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        refusal = self._refusal(scope["path"], headers)
        if refusal:
            await _answer(send, *refusal)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._request_s):
                body = await self._body(receive)
                if body is None:
                    await _answer(send, 413, self._too_large)
                else:
                    await self._app(scope, _replay(body, receive), noting)
        except TimeoutError:
            if not begun:
                await _answer(send, 504, f"no answer within {self._request_s:g} s")

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, or None where it is too large: routes would take an error here for bad JSON."""
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._max_body:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    def _refusal(self, path: str, headers: dict[str, bytes]) -> tuple[int, str] | None:
        host = headers.get("host", b"").decode("latin-1").rpartition(":")
        if self._hosts is not None and (host[0] or host[2]) not in self._hosts:
            return 400, "not called by a name of this machine's own"
        if self._token and path not in self._open:
            sent = headers.get("authorization", b"")
            if not secrets.compare_digest(sent, b"Bearer " + self._token.encode()):
                return 401, "a bearer token is needed"
        length = headers.get("content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body:
            return 413, self._too_large
        return None

    @property
    def _too_large(self) -> str:
        return f"the body is larger than {self._max_body} bytes"


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
