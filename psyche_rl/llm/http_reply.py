"""Reading what a server sent back: an answer, a failed attempt, or a refusal. Pure.

Source: OpenAI's chat completions; Retry-After by RFC 9110, section 10.2.3.
Invariants:
- Whatever was sent, the outcome is one of these three.
- Secrets are masked in whole texts, before anything is cut.
"""

from __future__ import annotations

import json
import math
from email.utils import parsedate_to_datetime
from typing import Any

from psyche_rl.json_shape import JsonShape
from psyche_rl.llm.attempts import FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply
from psyche_rl.llm.finish import reason_of
from psyche_rl.llm.refused_fields import refused_field
from psyche_rl.masking import SecretMask

A_DAY_S, INSTEAD_OF_MORE_S = 86_400.0, 120.0
MOST_TOKENS = 10**8
"""Of one prompt or reply; a server that says more, or less than none, is not believed at all."""
SHAPE = JsonShape(most_values=200_000, most_depth=64)
BY_SHAPE = SecretMask()
"""Of no environment."""
SHOWN = 200
"""Characters of a body in a message."""
SEARCHED = 1 << 16
"""Bytes of a refusal in which the name of a field is looked for."""


def reply_of(content: bytes, sent: Sent, mask: SecretMask = BY_SHAPE) -> ChatReply:
    """The reply in the body of an HTTP 200, with its finish reason.

    Raises:
        FailedAttemptError: it is no chat completion, one without text, or one that ended in no usual way.
    """
    try:
        SHAPE.check(content)
        body = json.loads(content)
        choice = body["choices"][0]
        message = choice["message"]
        text, reasoning = _words(message.get("content")), _reasoning(message)
        refusal = message.get("refusal")
        usage = body.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        why = f"not a chat completion: {_told(content, mask)!r}"
        raise FailedAttemptError("bad_body", why, sent=sent) from None
    try:
        tokens = tokens_of(usage)
    except ValueError as error:
        raise FailedAttemptError("bad_body", f"the reply's usage says {error}", sent=sent) from None
    reason = reason_of(choice.get("finish_reason"))
    if isinstance(refusal, str) and refusal.strip():
        text, reason = text or refusal, "refusal"
    if reason is None:
        said = mask.text(str(choice.get("finish_reason")))[:50]
        why = f"the reply ended with finish_reason {said!r}"
        raise FailedAttemptError("bad_body", why, sent=sent)
    if reason == "stop" and not text.strip():
        beside = f", only {len(reasoning)} characters of reasoning beside it" if reasoning else ""
        raise FailedAttemptError("bad_body", f"the reply holds no text{beside}", sent=sent)
    return ChatReply(mask.text(text), *tokens, finish_reason=reason, reasoning=mask.text(reasoning))


def _words(content: Any) -> str:
    """The text of a message, which may come in parts; thoughts among them are none."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") in (None, "text")]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _reasoning(message: dict[str, Any]) -> str:
    found = (message.get("reasoning_content"), message.get("reasoning"))
    return next((text for text in found if isinstance(text, str)), "")


def tokens_of(usage: object) -> tuple[int, int]:
    """Prompt and completion tokens; what is no number counts as none, and costs nothing else.

    Raises:
        ValueError: a number that no prompt or reply has.
    """
    fields = usage if isinstance(usage, dict) else {}
    return _number(fields, "prompt_tokens"), _number(fields, "completion_tokens")


def failure_of(
    status: int, retry_after: str | None, content: bytes, sent: Sent, mask: SecretMask = BY_SHAPE
) -> FailedAttemptError | RefusedError:
    """What any other status means; some servers repeat the key, which is taken out."""
    said = f"HTTP {status}: {_told(content, mask)}"
    if status == 402 or (status == 429 and b"insufficient_quota" in content):
        said = f"{said}; top up the account, then run again: finished calls are kept"
        return RefusedError(status, said, sent, is_lasting=True)
    if status == 429:
        return FailedAttemptError("rate_limited", said, seconds(retry_after), sent)
    if status == 503:
        return FailedAttemptError("unavailable", said, seconds(retry_after), sent)
    if status in (408, 409, 425) or status >= 500:
        return FailedAttemptError("server_error", said, seconds(retry_after), sent)
    if 300 <= status < 400:
        said = f"{said}; the server is at another address: give that one"
    field = refused_field(content[:SEARCHED], sent.body) if status in (400, 422) else None
    if field is None:
        return RefusedError(status, said, sent)
    return RefusedError(status, f"{said}; it names '{field.name}': {field.remedy}", sent, field.is_unknown)


def seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number (fractions are accepted) or an HTTP date; nothing below 0.

    More than a day is no plan but a mistake (a moment in place of a span, as a rule): it becomes two minutes.
    """
    if not retry_after:
        return None
    try:
        wanted = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
            wanted = moment.timestamp() - moment.now(moment.tzinfo).timestamp()
        except (ValueError, OverflowError):
            return None
    if math.isnan(wanted):
        return None
    return max(0.0, wanted) if wanted <= A_DAY_S else INSTEAD_OF_MORE_S


def _told(content: bytes, mask: SecretMask) -> str:
    """The beginning of a body as text."""
    return mask.text(content.decode("utf-8", "replace"))[:SHOWN]


def _number(fields: dict[str, Any], name: str) -> int:
    said = fields.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return 0
    try:
        number = float(said)
    except OverflowError:
        number = math.inf
    except ValueError:
        return 0
    if math.isnan(number):
        return 0
    if not 0 <= number <= MOST_TOKENS:
        raise ValueError(f"{number:.3g} {name}")
    return int(number)
