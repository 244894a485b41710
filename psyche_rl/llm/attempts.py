"""One try of one call: what a transport gives and how it says that a try failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from psyche_rl.llm.chat import ChatReply, ChatRequest


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, under which model name and where; goes into the call log."""

    body: bytes
    model: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A try that succeeded."""

    reply: ChatReply
    sent: Sent


LONGEST_RETRY_AFTER_S = 120.0
"""A server that asks for hours is asked again sooner: its call would hold a place all the while."""


class FailedAttemptError(Exception):
    """One try that may be tried again, at once where ``elsewhere`` (another server can take it).

    ``retry_after`` is what the server asked for, in seconds, but never more than the longest pause.
    """

    def __init__(
        self, kind: str, message: str, retry_after: float | None = None, sent: Sent | None = None
    ) -> None:
        super().__init__(message)
        self.kind, self.sent = kind, sent
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER_S)
        self.elsewhere = False


class RefusedError(Exception):
    """The server understood and said no: trying again would not help."""

    def __init__(self, status: int, message: str, sent: Sent | None = None) -> None:
        super().__init__(message)
        self.status, self.sent = status, sent


class Transport(Protocol):
    """Carries requests to a model: HTTP servers, or engines of this cluster."""

    async def attempt(self, request: ChatRequest) -> Answer:
        """One try.

        Raises:
            FailedAttemptError: it may be tried again.
            RefusedError: it may not.
            PsycheError: no call will ever succeed.
        """
        ...

    async def close(self) -> None:
        """Release connections and engines."""
        ...
