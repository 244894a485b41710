"""What is asked of an LLM and what comes back.

Plain frozen dataclasses rather than records: they pass through the hot loop of every call and are
never a column of a table. Invariant: two requests with the same :meth:`ChatRequest.key` are the same
call, in this run and in any other.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion. ``messages`` are (role, content) pairs.

    ``sample`` tells apart several answers to the same messages; it travels as the API's ``seed``.
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    temperature: float
    max_tokens: int
    sample: int = 0

    def payload(self) -> dict[str, Any]:
        """The body of ``POST /chat/completions``."""
        return {
            "model": self.model,
            "messages": [{"role": role, "content": content} for role, content in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.sample,
        }

    def body(self) -> bytes:
        """The payload as canonical JSON."""
        text = json.dumps(self.payload(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()

    def key(self) -> str:
        """sha256 of the canonical JSON of model, payload and sample."""
        return hashlib.sha256(self.body()).hexdigest()


@dataclass(frozen=True, slots=True)
class ChatReply:
    """An answer. Token counts are the server's; ``cached`` says that nothing was sent for it."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool = False


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A call that got no answer after all attempts.

    ``kind``: unreachable, timeout, connection, rate_limited, server_error, bad_body, or refused (a 4xx).
    """

    kind: str
    message: str


ChatResult: TypeAlias = ChatReply | CallFailure
