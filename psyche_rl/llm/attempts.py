"""One try of one call: what a transport gives and how it says that a try failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from psyche_rl.errors import PsycheError
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
    """One try that may be tried again, at once where ``elsewhere`` (another server can take it).

    ``retry_after`` is what the server asked for, and ``took`` what sending and waiting took, in seconds.
    """

    def __init__(
        self, kind: str, message: str, retry_after: float | None = None, sent: Sent | None = None
    ) -> None:
        super().__init__(message)
        self.kind, self.sent = kind, sent
        self.retry_after, self.took = retry_after, 0.0
        self.elsewhere = False


class RefusedError(Exception):
    """The server understood and said no: trying again would not help.

    ``is_lasting``: it will refuse every call for that reason, and the message says what to do about it.
    """

    def __init__(self, status: int, message: str, sent: Sent | None = None, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.status, self.sent, self.is_lasting = status, sent, is_lasting


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

    def abandon(self, error: PsycheError) -> None:
        """End with ``error`` whatever has not been sent yet; what has been may still land."""
        ...

    async def close(self) -> None:
        """Release connections and engines."""
        ...
