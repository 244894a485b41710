"""Asking the LLM for something that can be read: a reply that cannot is asked for once more.

Collaborators: the LLM through ``actors.llm_client``; every stage that wants JSON.
Invariant: a question that gets no answer at all is not asked again here: the client has tried its best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from actors.llm_client import LLM
from psyche_rl.llm import CallFailure, ChatRequest

T = TypeVar("T")
ASKS = 2


@dataclass(frozen=True)
class Unreadable:
    """The last reply, and why it is not what was asked for."""

    reason: str
    text: str


def ask_until_read(
    llm: LLM,
    requests: Sequence[Callable[[int], ChatRequest]],
    read: Callable[[str], T],
    phase: str,
) -> list[T | Unreadable | CallFailure]:
    """What ``read`` makes of each reply, in order.

    Args:
        requests: for each question, the request of the ``ask``-th time (from 0) it is asked.
        read: raises ValueError on a reply that it cannot make out.

    Raises:
        TeacherError: the server cannot be used at all.
    """
    found: list[T | Unreadable | CallFailure] = [Unreadable("not asked", "")] * len(requests)
    pending = list(range(len(requests)))
    for ask in range(ASKS):
        results = llm.complete([requests[i](ask) for i in pending], phase)
        for i, result in zip(pending, results, strict=True):
            if isinstance(result, CallFailure):
                found[i] = result
                continue
            try:
                found[i] = read(result.text)
            except ValueError as error:
                found[i] = Unreadable(f"reply is not the JSON asked for: {error}", result.text)
        pending = [i for i in pending if isinstance(found[i], Unreadable)]
    return found
