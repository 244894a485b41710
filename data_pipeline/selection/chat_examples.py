"""Chats as examples of SFT. Pure.

Collaborators: ``own_sets`` reads files and writes the set.
Invariants:
- Each turn of the assistant is one example: the loss falls on the last message only.
- Of the turns before it the prompt holds the answer parts: chat templates of reasoning models leave out old
  think blocks, so a policy never sees one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from data_pipeline.ingest.open_questions import UnusableRowError
from psyche_rl.records import Message, SftExample, content_id
from rewards.reply import answer_part
from rewards.text.think_tags import think_blocks


def chat_examples(row: Mapping[str, Any] | str) -> list[SftExample]:
    """An example for each turn of the assistant, in order.

    Raises:
        UnusableRowError: it is no chat that ends with the assistant, or a reply has no answer.
    """
    messages = _messages(row)
    if messages[-1].role != "assistant":
        raise UnusableRowError(f"the chat ends with the {messages[-1].role}'s turn, and a reply is imitated")
    chat = content_id("chat", *(part for m in messages for part in (m.role, m.content)))
    before: list[Message] = []
    examples = []
    for turn, message in enumerate(messages):
        if message.role != "assistant":
            before.append(message)
            continue
        if not any(earlier.role == "user" for earlier in before):
            raise UnusableRowError("the assistant speaks before the user does")
        if not (answer := answer_part(message.content)):
            raise UnusableRowError(f"turn {turn + 1}: the reply has no answer after its think block")
        examples.append(
            SftExample(
                id=content_id("sft", chat, str(turn)),
                kind="reasoning" if any(map(str.strip, think_blocks(message.content))) else "empathy",
                messages=(*before, message),
                source_id=chat,
            )
        )
        before.append(Message(role="assistant", content=answer))
    return examples


def _messages(row: Mapping[str, Any] | str) -> list[Message]:
    if isinstance(row, str):
        raise UnusableRowError("a text, not a row")
    turns = row.get("messages")
    if isinstance(turns, str):  # a cell of a table
        try:
            turns = json.loads(turns)
        except (ValueError, RecursionError):
            raise UnusableRowError("the text under messages is no JSON") from None
    if turns is None and isinstance(row.get("prompt"), str) and isinstance(row.get("response"), str):
        turns = [
            {"role": "user", "content": row["prompt"]},
            {"role": "assistant", "content": row["response"]},
        ]
    if not isinstance(turns, list) or len(turns) < 2:
        raise UnusableRowError("no list of two turns or more under messages, and no prompt with response")
    try:
        messages = [Message(role=turn["role"], content=turn["content"]) for turn in turns]
    except (ValidationError, LookupError, TypeError):
        raise UnusableRowError(
            "a turn is no {role, content} with the role system, user or assistant"
        ) from None
    if empty := next((at for at, m in enumerate(messages, 1) if not m.content.strip()), None):
        raise UnusableRowError(f"turn {empty} is empty")
    return messages
