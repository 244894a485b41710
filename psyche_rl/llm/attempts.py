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


class FailedAttemptError(Exception):
    """One try that may be tried again, at once where ``elsewhere`` (another server can take it)."""

    def __init__(
        self, kind: str, message: str, retry_after: float | None = None, sent: Sent | None = None
    ) -> None:
        super().__init__(message)
        self.kind, self.retry_after, self.sent = kind, retry_after, sent
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
        """Let go of connections and engines."""
        ...
