"""Help-seeking posts with plain replies: rows with both, chats, or dialogues written as turns."""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.exchanges import begins_at, exchanges_of
from data_pipeline.ingest.passages import DEFAULT, nothing_found
from data_pipeline.ingest.raw_rows import Input, RawRow, bad_row, inputs, rows_of, text_of
from psyche_rl.config.data import DataConfig
from psyche_rl.records import Dialogue, Message, Quarantined, content_id

STAGE = "ingest.posts"


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

    Of a longer conversation, and of several answers, the first ``data.exchanges`` count.

    Raises:
        DataError: the input is unreadable and all there is.
    """
    for row in rows_of(found, STAGE):
        if isinstance(row, Quarantined):
            yield row
            continue
        exchanges = exchanges_of(row.value)
        if isinstance(exchanges, str):
            yield bad_row(STAGE, row, exchanges)
            continue
        licence = text_of(row.value, ("licence", "license")) if isinstance(row.value, dict) else None
        where = {
            "row": row.row,
            "offset": begins_at(row.value) if isinstance(row.value, str) else 0,
            "licence": licence or row.licence or data.licence,
        }
        for post, reply in exchanges[: data.exchanges]:
            yield plain_dialogue(post, reply, row.source).model_copy(update=where)


def plain_dialogue(post: str, reply: str, source: str) -> Dialogue:
    """A post and the reply as found."""
    return Dialogue(
        id=content_id("dialogue", post, reply),
        kind="plain",
        messages=(Message(role="user", content=post), Message(role="assistant", content=reply)),
        source=source,
    )
