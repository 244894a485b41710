"""What every request must keep to before a route sees it: token, host, size of body, time. Pure.

Collaborators: ``asgi`` puts them before an ASGI app, the scripted teacher before its handlers.
Invariants:
- The token is compared in constant time and looked at before a byte of the body is read.
- ``/health`` needs none, since whoever watches a server is not who may use it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OPEN = ("/health",)


@dataclass(frozen=True)
class RequestLimits:
    """``max_body`` in bytes. ``hosts``: names by which the server may be called, against rebinding; None for
    any. ``open_paths`` need no token."""

    token: str | None = field(repr=False)
    max_body: int
    request_s: float
    hosts: Sequence[str] | None = None
    open_paths: Sequence[str] = OPEN

    def refusal(self, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason by which a request is refused, from its head alone; None for a good one.
        Names in ``headers`` are in lower case."""
        host = headers.get("host", "").rpartition(":")
        if self.hosts is not None and (host[0] or host[2]) not in self.hosts:
            return 400, "not called by a name of this machine's own"
        if self.token and path not in self.open_paths:
            sent = headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not secrets.compare_digest(sent, f"Bearer {self.token}".encode()):
                return 401, "a bearer token is needed"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self.max_body:
            return 413, self.too_large
        return None

    @property
    def too_large(self) -> str:
        """What is said of a body that is too large."""
        return f"the body is larger than {self.max_body} bytes"

    @property
    def too_slow(self) -> str:
        """What is said when the time is over."""
        return f"no answer within {self.request_s:g} s"
