"""Help-seeking posts with plain replies: rows with both, chats, or dialogues written as turns."""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.exchanges import begins_at, exchanges_of, said_in
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
    for found in inputs(path, data.follow_links):
        for outcome in read_posts(found, data):
            if isinstance(outcome, Quarantined):
                bad.append(outcome)
                continue
            raw = outcome.dialogue
            post, reply = (clean_text(message.content) for message in raw.messages)
            if not post or not reply:
                missing = "post" if not post else "reply"
                bad.append(bad_row(STAGE, RawRow(raw.source, raw.row, ""), f"no {missing} in the row"))
                continue
            clean = plain_dialogue(post, reply, raw.source)
            dialogues.setdefault(
                clean.id, raw.model_copy(update={"id": clean.id, "messages": clean.messages})
            )
    if not dialogues:
        raise nothing_found(path, "post with a reply", len(bad), bad[0].reason if bad else None)
    return list(dialogues.values()), bad


def read_posts(found: Input, data: DataConfig) -> Iterator[RawPost | Quarantined]:
    """The posts and replies of one input as they stand there, one by one, and the rows that hold none.

    Of a longer conversation, and of several answers, the first ``data.exchanges`` count; what else was said
    goes with each, for its cues of a crisis.

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
            dialogue = plain_dialogue(post, reply, row.source).model_copy(update=where)
            said = (words.strip() for words in said_in(row.value))
            others = (words for words in said if words and words not in post and words not in reply)
            yield RawPost(dialogue=dialogue, others=tuple(dict.fromkeys(others)))


def plain_dialogue(post: str, reply: str, source: str) -> Dialogue:
    """A post and the reply as found."""
    return Dialogue(
        id=content_id("dialogue", post, reply),
        kind="plain",
        messages=(Message(role="user", content=post), Message(role="assistant", content=reply)),
        source=source,
    )
