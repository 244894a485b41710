"""OpenAI's chat completion as the scripted teacher reads and writes it: the request, the reply, an error."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

MODEL = "scripted-teacher"


@dataclass(frozen=True)
class Asked:
    """A request, as far as the teacher looks at it.

    Attributes:
        prompt: The messages' texts, one after the other.
        sample: The request's ``seed``, None where there is none.
        wants_json: The reply must be a JSON value (``response_format``).
        schema: And that value must fit this JSON Schema, if it is not None.
    """

    prompt: str
    sample: int | None = None
    model: str = MODEL
    wants_json: bool = False
    schema: dict[str, Any] | None = None


def read_request(body: bytes) -> Asked | None:
    """The request in a body; None if that is no chat completion request."""
    try:
        asked = from_json(body, allow_inf_nan=False)
        prompt = "\n".join(_text(message.get("content")) for message in asked["messages"])
        sample = asked.get("seed")
        form = asked.get("response_format") or {}
        kind = form.get("type")
        schema = form["json_schema"].get("schema") or {} if kind == "json_schema" else None
        return Asked(
            prompt=prompt,
            sample=None if sample is None else int(sample),
            model=str(asked.get("model") or MODEL),
            wants_json=kind in ("json_object", "json_schema"),
            schema=schema if isinstance(schema, dict) else None,
        )
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def completion(model: str, prompt: str, text: str) -> dict[str, Any]:
    """An OpenAI chat completion; its token counts are character counts."""
    usage = {
        "prompt_tokens": len(prompt),
        "completion_tokens": len(text),
        "total_tokens": len(prompt) + len(text),
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


def without_reply_fields(good: dict[str, Any]) -> dict[str, Any]:
    """The same reply under names that no client looks for."""
    text = good["choices"][0]["message"]["content"]
    return {"id": good["id"], "object": "text", "output": {"text": text}, "cost": good["usage"]}


def error(message: str) -> dict[str, Any]:
    """The body of an error reply."""
    return {"error": {"message": message, "type": "scripted", "code": None}}


def _text(content: Any) -> str:
    """A message's content: text, or a list of parts of which the texts count."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")
