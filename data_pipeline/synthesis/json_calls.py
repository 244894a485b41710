"""Asking the LLM for JSON: the schema is sent along, and a reply that cannot be read may be corrected once.

Collaborators: ``psyche_rl.llm.ask_json``; every step that wants JSON; ``reply_schemas`` holds the schemas.
Invariant: a question that gets no answer at all is not asked again here. The client has used up its attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from actors.llm.client import LLM
from psyche_rl.llm import CallFailure, ChatRequest, JsonAnswer, ask_json

T = TypeVar("T")


@dataclass(frozen=True)
class Unreadable:
    """The last reply, and why it is not what was asked for."""

    reason: str
    text: str


def ask_until_read(
    llm: LLM,
    requests: Sequence[ChatRequest],
    shape: type[BaseModel],
    read: Callable[[str], T],
    phase: str,
) -> list[T | Unreadable | CallFailure]:
    """What ``read`` makes of each reply, in order.

    Args:
        shape: the JSON that is wanted, as a server that enforces schemas is told.
        read: raises ValueError on a reply that it cannot make out; it may be more lenient than the shape.

    Raises:
        TeacherError: the server cannot be used at all.
    """
    answers = ask_json(llm, requests, shape, phase, read)
    return [_ended(answer) for answer in answers]


def _ended(answer: JsonAnswer[T] | CallFailure) -> T | Unreadable | CallFailure:
    if isinstance(answer, JsonAnswer):
        return answer.value
    if answer.kind == "schema":
        return Unreadable(f"reply is not the JSON asked for: {answer.message}", answer.text)
    return answer
