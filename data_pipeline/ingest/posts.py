"""Help-seeking posts with plain replies: rows with both, chats, or dialogues written as turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.passages import DEFAULT, nothing_found
from data_pipeline.ingest.raw_rows import Input, RawRow, bad_row, inputs, rows_of, text_of
from psyche_rl.config.data import DataConfig
from psyche_rl.records import Dialogue, Message, Quarantined, content_id

STAGE = "ingest.posts"
_POST = ("post", "question", "query", "input", "content", "text")
_REPLY = ("reply", "answer", "response", "output")
_CHATS = ("messages", "dialogue", "conversation", "conversations")
_SEEKER = ("来访者", "求助者", "用户", "患者", "user", "human", "client", "seeker")
_COUNSELLOR = ("心理咨询师", "咨询师", "心理医生", "医生", "assistant", "gpt", "counselor", "supporter")
_TURN = re.compile(rf"^\s*({'|'.join((*_SEEKER, *_COUNSELLOR))})\s*[:：]\s*", re.MULTILINE | re.IGNORECASE)


def ingest_posts(path: str, data: DataConfig = DEFAULT) -> tuple[list[Dialogue], list[Quarantined]]:
    """Plain dialogues of one post and one reply, cleaned, each once, and the rows that hold none.

    Raises:
        DataError: the path is missing or nothing in it is a post with a reply.
    """
    dialogues: dict[str, Dialogue] = {}
    bad: list[Quarantined] = []
    for found in inputs(path):
        for outcome in read_posts(found, data):
            if isinstance(outcome, Quarantined):
                bad.append(outcome)
                continue
            post, reply = (clean_text(message.content) for message in outcome.messages)
            if not post or not reply:
                missing = "post" if not post else "reply"
                bad.append(
                    bad_row(STAGE, RawRow(outcome.source, outcome.row, ""), f"no {missing} in the row")
                )
                continue
            clean = plain_dialogue(post, reply, outcome.source)
            dialogues.setdefault(
                clean.id,
                outcome.model_copy(update={"id": clean.id, "messages": clean.messages}),
            )
    if not dialogues:
        raise nothing_found(path, "post with a reply", len(bad), bad[0].reason if bad else None)
    return list(dialogues.values()), bad


def read_posts(found: Input, data: DataConfig) -> Iterator[Dialogue | Quarantined]:
    """The posts and replies of one input as they stand there, one by one, and the rows that hold none.

    Of a longer conversation the first turn of the seeker and the counsellor's answer to it count.

    Raises:
        DataError: the input is unreadable and all there is.
    """
    for row in rows_of(found, STAGE):
        if isinstance(row, Quarantined):
            yield row
            continue
        post, reply = _post_and_reply(row)
        if not post.strip() or not reply.strip():
            missing = "post" if not post.strip() else "reply"
            yield bad_row(STAGE, row, f"no {missing} in the row")
            continue
        licence = text_of(row.value, ("licence", "license")) if isinstance(row.value, dict) else None
        first = _TURN.search(row.value) if isinstance(row.value, str) else None
        yield plain_dialogue(post, reply, row.source).model_copy(
            update={
                "row": row.row,
                "offset": first.start() if first else 0,
                "licence": licence or row.licence or data.licence,
            }
        )


def plain_dialogue(post: str, reply: str, source: str) -> Dialogue:
    """A post and the reply as found."""
    return Dialogue(
        id=content_id("dialogue", post, reply),
        kind="plain",
        messages=(Message(role="user", content=post), Message(role="assistant", content=reply)),
        source=source,
    )


def _post_and_reply(row: RawRow) -> tuple[str, str]:
    if isinstance(row.value, str):
        return _first_exchange(_text_turns(row.value))
    for name in _CHATS:
        chat = row.value.get(name)
        if isinstance(chat, list):
            return _first_exchange(_chat_turns(chat))
        if isinstance(chat, str):
            return _first_exchange(_text_turns(chat))
    return text_of(row.value, _POST) or "", text_of(row.value, _REPLY) or ""


def _text_turns(text: str) -> list[tuple[str, str]]:
    """(speaker, words) of each turn in a dialogue written as 来访者：… 心理咨询师：…"""
    parts = _TURN.split(text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _chat_turns(chat: list[Any]) -> list[tuple[str, str]]:
    turns = [t for t in chat if isinstance(t, dict)]
    return [
        (text_of(t, ("role", "from", "speaker")) or "", text_of(t, ("content", "value", "text")) or "")
        for t in turns
    ]


def _first_exchange(turns: list[tuple[str, str]]) -> tuple[str, str]:
    """The seeker's first words up to the counsellor's answer, and that answer."""
    post = ""
    for speaker, words in turns:
        if speaker.lower() in _SEEKER:
            post = f"{post}\n{words}".strip()
        elif post and speaker.lower() in _COUNSELLOR:
            return post, words
    return post, ""
