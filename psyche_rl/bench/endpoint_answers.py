"""Replies to items from an OpenAI-compatible endpoint.

Collaborators: ``client_thread`` (limits, retries, cache), ``full_window``.
Invariants:
- A reply that was cut, filtered or refused is a reply, and says so; a call without one is a failed item.
- A server that cannot be used at all, and a budget that is used up, end the run; what came is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import cast

from psyche_rl.bench.client_thread import ClientThread
from psyche_rl.bench.full_window import REASON_CHARS, answered_in_turn
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.reply_journal import Answered
from psyche_rl.evaluation.item_result import ItemEnd
from psyche_rl.evaluation.item_scoring import ItemReply
from psyche_rl.llm import CallFailure, ChatRequest, ChatResult

_FULL = (
    "context length",
    "context window",
    "maximum context",
    "context_length_exceeded",
    "prompt is too long",
)
"""What servers say of a prompt that does not fit."""


def endpoint_answers(asks: Iterable[ItemAsk], client: ClientThread, phase: str) -> Iterator[list[Answered]]:
    """All replies, each once.

    Raises:
        TeacherError: the endpoint cannot be used.
        BudgetError: the budget is used up.
    """

    def ask_server(ask: ItemAsk) -> Future[ItemReply]:
        reply: Future[ItemReply] = Future()
        request = chat_request(ask, client.teacher.model)
        client.submit(request, phase).add_done_callback(lambda result: _read(result, reply))
        return reply

    yield from answered_in_turn(asks, ask_server, 4 * client.teacher.max_in_flight)


def chat_request(ask: ItemAsk, model: str) -> ChatRequest:
    """The call of one sample; its seed is the one that engines are given."""
    sampling = ask.sampling
    return ChatRequest(
        model=model,
        messages=tuple((message.role, message.content) for message in ask.item.messages),
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        sample=ask.seed,
        extra=json.dumps({"top_p": sampling.top_p}) if sampling.top_p < 1 else None,
    )


def reply_of(result: ChatResult) -> ItemReply:
    """What a call came to."""
    if isinstance(result, CallFailure):
        said = result.message.lower()
        full = result.kind == "refused" and any(words in said for words in _FULL)
        why = f"{result.kind}: {result.message}"[:REASON_CHARS]
        return ItemReply(result.text, ended="too_long" if full else "failed", error=why)
    ended = cast(ItemEnd, result.finish_reason)
    return ItemReply(
        result.text, result.reasoning, ended, None, result.prompt_tokens, result.completion_tokens
    )


def _read(result: Future[ChatResult], reply: Future[ItemReply]) -> None:
    try:
        reply.set_result(reply_of(result.result()))
    except BaseException as error:  # whoever waits for the reply is told
        reply.set_exception(error)
