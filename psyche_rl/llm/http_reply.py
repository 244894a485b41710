"""Reading what a server sent back: an answer, a failed attempt, or a refusal. Pure.

Source: OpenAI's chat completions; Retry-After by RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

from psyche_rl.llm.attempts import FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply


def reply_of(content: bytes, sent: Sent) -> ChatReply:
    """The reply in the body of an HTTP 200.

    Raises:
        FailedAttemptError: it is no chat completion, or one without text.
    """
    try:
        body = json.loads(content)
        text = body["choices"][0]["message"]["content"]
        usage = body.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (ValueError, LookupError, TypeError, AttributeError):
        why = f"not a chat completion: {content[:200]!r}"
        raise FailedAttemptError("bad_body", why, sent=sent) from None
    if not isinstance(text, str) or not text.strip():
        raise FailedAttemptError("bad_body", "the reply holds no text", sent=sent)
    return ChatReply(text, *tokens)


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
