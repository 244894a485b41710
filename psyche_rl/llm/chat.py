"""What is asked of an LLM and what comes back.

Plain frozen dataclasses rather than records: they pass through the hot loop of every call and are
never a column of a table. Invariant: two requests with the same :meth:`ChatRequest.key` are the same
call, in this run and in any other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from rewards.text.unicode import whole_characters


@dataclass(frozen=True)
class ChatRequest:
    """One chat completion. ``messages`` are (role, content) pairs.

    ``sample`` tells apart several answers to the same messages; it travels as the API's ``seed``.
    ``schema`` is the JSON text of the API's ``json_schema`` object (name, schema, strict), where the
    answer is to be JSON. It is part of the key also where a server does not take it.
    ``extra`` is a JSON object of fields that are sent besides and win over the others; ``omit`` names fields
    that are not sent. Both are part of the key, which holds ``sample`` also where no ``seed`` is sent.
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    temperature: float
    max_tokens: int
    sample: int = 0
    schema: str | None = None
    extra: str | None = None
    omit: tuple[str, ...] = ()

    def payload(self) -> dict[str, Any]:
        """The body of ``POST /chat/completions``."""
        payload: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": role, "content": content} for role, content in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.sample,
        }
        if self.schema is not None:
            payload["response_format"] = {"type": "json_schema", "json_schema": json.loads(self.schema)}
        kept = {name: value for name, value in payload.items() if name not in self.omit}
        return kept | (json.loads(self.extra) if self.extra else {})

    def body(self, model: str | None = None) -> bytes:
        """The payload as canonical JSON; ``model`` is the name for a server that knows it by another."""
        return self._body if model in (None, self.model) else _canonical(self.payload() | {"model": model})

    @cached_property
    def _body(self) -> bytes:
        return _canonical(self.payload())  # wanted several times on the way of a call

    def key(self) -> str:
        """sha256 of the canonical JSON of model, payload and sample."""
        unsent = f"\x1f{self.sample}".encode() if self.omit or self.extra else b""
        return hashlib.sha256(self.body() + unsent).hexdigest()

    def changed(self, extra_body: Mapping[str, Any], omit: tuple[str, ...]) -> ChatRequest:
        """The same with fields more and fewer, as a server wants them."""
        if not extra_body and not omit:
            return self
        fields = {**json.loads(self.extra or "{}"), **extra_body}
        extra = json.dumps(fields, ensure_ascii=False, sort_keys=True) if fields else None
        return dataclasses.replace(self, extra=extra, omit=omit)

    def without_schema(self) -> ChatRequest:
        """The same for a server that takes no schema."""
        return self if self.schema is None else dataclasses.replace(self, schema=None)


def _canonical(payload: dict[str, Any]) -> bytes:
    text = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return whole_characters(text).encode()


@dataclass(frozen=True, slots=True)
class ChatReply:
    """An answer. Token counts are the server's; ``cached`` says that nothing was sent for it.

    ``finish_reason`` is one of ``finish.FinishReason``: only "stop" is a clean answer. ``reasoning`` is what
    a server gives apart from the text (``reasoning_content``); nobody reads answers from it.
    Its text can always be written as UTF-8: half an emoji, which a cut-off reply may end in, is left out.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool = False
    finish_reason: str = "stop"
    reasoning: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", whole_characters(self.text))
        object.__setattr__(self, "reasoning", whole_characters(self.reasoning))


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A call that got no usable answer after all attempts.

    ``kind``: unreachable, timeout, connection, rate_limited (429), unavailable (503), server_error,
    bad_body, refused (a 4xx), schema (JSON was asked for, and neither the answer nor its repair fits), or
    length, content_filter and refusal (see ``finish``).
    ``text`` is the last answer where there was one. Both can always be written as UTF-8.
    """

    kind: str
    message: str
    text: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", whole_characters(self.message))
        object.__setattr__(self, "text", whole_characters(self.text))


ChatResult: TypeAlias = ChatReply | CallFailure
