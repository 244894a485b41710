"""Why a reply ended, and what is made of one that did not end by itself.

Policy, in one place:
- ``stop`` (in any server's word for it, or unsaid) is an answer.
- ``length``, ``content_filter`` and ``refusal`` are outcomes of their own: the reply is kept with what it
  cost, since the same request would end in the same way, and the call fails under that name, now and when
  it is asked for again. Another ``max_tokens`` or prompt is another request.
- Every other reason (``tool_calls``, ``error``, ``abort``) is a failed attempt, which is tried again.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.llm.chat import CallFailure, ChatReply, ChatResult

FinishReason = Literal["stop", "length", "content_filter", "refusal"]
_WORDS: dict[FinishReason, tuple[str, ...]] = {
    "stop": ("", "none", "stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"),
    "length": ("length", "max_tokens", "max_output_tokens", "model_length", "max_length"),
    "content_filter": (
        "content_filter",
        "content_filtered",
        "safety",
        "sensitive",
        "blocklist",
        "recitation",
    ),
    "refusal": ("refusal", "refused"),
}
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words}
_MESSAGES = {
    "length": "the reply was cut off after {tokens} tokens; raise teacher.max_tokens",
    "content_filter": "the server's content filter ended the reply",
    "refusal": "the model refused",
}


def reason_of(said: object) -> FinishReason | None:
    """The reason that a server gave, by its usual name; None for one that is no way to end an answer."""
    return _REASONS.get(str(said or "").strip().lower())


def answered(reply: ChatReply) -> ChatResult:
    """The reply if it ended by itself, else the failure that it is."""
    if reply.finish_reason == "stop":
        return reply
    message = _MESSAGES[reply.finish_reason].format(tokens=reply.completion_tokens)
    return CallFailure(reply.finish_reason, message, reply.text)
