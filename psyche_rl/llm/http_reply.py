"""Reading what a server sent back: an answer, a failed attempt, or a refusal. Pure.

Source: OpenAI's chat completions; Retry-After by RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

from psyche_rl.llm.attempts import FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply
from psyche_rl.llm.finish import reason_of


def reply_of(content: bytes, sent: Sent) -> ChatReply:
    """The reply in the body of an HTTP 200, with its finish reason.

    Raises:
        FailedAttemptError: it is no chat completion, one without text, or one that ended in no usual way.
    """
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        message = choice["message"]
        text, reasoning = _words(message.get("content")), _reasoning(message)
        refusal = message.get("refusal")
        usage = body.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (ValueError, LookupError, TypeError, AttributeError):
        why = f"not a chat completion: {content[:200]!r}"
        raise FailedAttemptError("bad_body", why, sent=sent) from None
    reason = reason_of(choice.get("finish_reason"))
    if isinstance(refusal, str) and refusal.strip():
        text, reason = text or refusal, "refusal"
    if reason is None:
        why = f"the reply ended with finish_reason {str(choice.get('finish_reason'))[:50]!r}"
        raise FailedAttemptError("bad_body", why, sent=sent)
    if reason == "stop" and not text.strip():
        beside = f", only {len(reasoning)} characters of reasoning beside it" if reasoning else ""
        raise FailedAttemptError("bad_body", f"the reply holds no text{beside}", sent=sent)
    return ChatReply(text, *tokens, finish_reason=reason, reasoning=reasoning)


def _words(content: Any) -> str:
    """The text of a message, which may come in parts; thoughts among them are none."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") in (None, "text")]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _reasoning(message: dict[str, Any]) -> str:
    found = (message.get("reasoning_content"), message.get("reasoning"))
    return next((text for text in found if isinstance(text, str)), "")


def failure_of(
    status: int, retry_after: str | None, content: bytes, sent: Sent, key: str | None
) -> FailedAttemptError | RefusedError:
    """What any other status means; some servers repeat the key, which is taken out."""
    said = f"HTTP {status}: {content[:200].decode('utf-8', 'replace')}"
    if key:
        said = said.replace(key, "***")
    if status == 429:
        return FailedAttemptError("rate_limited", said, seconds(retry_after), sent)
    if status == 503:
        return FailedAttemptError("unavailable", said, seconds(retry_after), sent)
    if status in (408, 409, 425) or status >= 500:
        return FailedAttemptError("server_error", said, seconds(retry_after), sent)
    return RefusedError(status, said, sent)


def seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number (fractions are accepted) or an HTTP date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - moment.now(moment.tzinfo).timestamp())
