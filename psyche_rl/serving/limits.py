"""What every request must keep to before a route sees it: host, token, kind and size of body, time. Pure.

Collaborators: ``asgi`` puts them before an ASGI app, the scripted teacher before its handlers.
Invariants:
- The token is compared in constant time and looked at before a byte of the body is read.
- ``/health`` needs none, since whoever watches a server is not who may use it.
- A body is JSON, and says so: what any page may send without being asked (a form, plain text) is refused.
- No reason repeats what was sent.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psyche_rl.json_shape import JsonShape, TooManyValuesError

OPEN = ("/health",)
BODY_S = 30.0
IN_PLACE = 1 << 16
"""Bytes of a body that are looked at at once; of more the event loop is spared."""
USUAL = JsonShape()
MOST_TOLD = 300
"""Characters of a reason."""


@dataclass(frozen=True)
class RequestLimits:
    """``max_body`` in bytes. ``hosts``: names by which the server may be called, against rebinding; None for
    any. ``open_paths`` need no token. ``shape``: of a body's JSON, before it is parsed. ``body_s``: what the
    sending of a body may take, ``request_s`` all together."""

    token: str | None = field(repr=False)
    max_body: int
    request_s: float
    hosts: Sequence[str] | None = None
    open_paths: Sequence[str] = OPEN
    shape: JsonShape = USUAL
    body_s: float = BODY_S

    def refusal(self, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason by which a request is refused, from its head alone; None for a good one.
        Names in ``headers`` are in lower case."""
        host = headers.get("host", "").lower().rpartition(":")
        if self.hosts is not None and (host[0] or host[2]) not in self.hosts:
            return 400, "not called by a name of this machine's own"
        if self.token and path not in self.open_paths:
            sent = headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not secrets.compare_digest(sent, f"Bearer {self.token}".encode()):
                return 401, "a bearer token is needed"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 18 or int(length) > self.max_body:
            return 413, self.too_large
        if (int(length) or "transfer-encoding" in headers) and not _is_plain_json(headers):
            return 415, "a body must be JSON (Content-Type: application/json), and not packed"
        return None

    async def body_refusal(self, body: bytes) -> tuple[int, str] | None:
        """The same for a body that has come whole."""
        if len(body) <= IN_PLACE:
            return self._of_body(body)
        return await asyncio.to_thread(self._of_body, body)

    def _of_body(self, body: bytes) -> tuple[int, str] | None:
        try:
            self.shape.check(body)
        except TooManyValuesError as error:
            return 413, f"the body holds {error}"
        except ValueError as error:
            return 422, f"the body is {error}"
        return None

    @property
    def too_large(self) -> str:
        """What is said of a body that is too large."""
        return f"the body is larger than {self.max_body} bytes"

    @property
    def too_slow(self) -> str:
        """What is said when the time is over."""
        return f"no answer within {self.request_s:g} s"

    @property
    def body_too_slow(self) -> str:
        """What is said when a body has not come in time."""
        return f"the body has not come within {self.body_s:g} s"


def _is_plain_json(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = headers.get("content-encoding", "identity").strip().lower()
    return kind == "application/json" and packed in ("", "identity")
