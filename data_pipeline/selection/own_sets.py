"""The training sets that a user gives, in place of those that selection makes of synthesised records.

Role: reads ``data.train_chats`` and ``data.train_questions`` and writes select/{sft,grpo,quarantine}.parquet
and select/selection.json.
Collaborators: ``chat_examples`` and ``ingest.open_questions`` say what a row is; the select stage calls.
Invariants:
- Every row is in a set, a repeat that is counted, or set aside with the reason.
- Rows are trained on as they are; what is not done to them is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.ingest.exam_questions import exam_rows
from data_pipeline.ingest.open_questions import UnusableRowError, has_options, open_question
from data_pipeline.ingest.raw_rows import bad_row, read_rows
from data_pipeline.selection.chat_examples import chat_examples
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined, Question, SftExample
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.store.record_file import written

STAGE = "select"


def write_own_sets(context: StageContext) -> Counts:
    """Both sets; returns the counts.

    Raises:
        DataError: a path is missing or holds nothing to train on.
    """
    data, store = context.config.data, context.store
    aside: list[Quarantined] = []
    counts: Counts = {"repeats": 0}
    sft = written(store, "select/sft.parquet", SftExample, _chats(context, aside, counts))
    _refuse_none(data.train_chats, len(sft), aside)
    before = len(aside)
    grpo = written(store, "select/grpo.parquet", Question, _questions(context, aside, counts))
    _refuse_none(data.train_questions, len(grpo), aside[before:])
    store.write_records("select/quarantine.parquet", Quarantined, aside)
    counts |= {"sft": len(sft), "grpo": len(grpo), "quarantined": len(aside)}
    store.write_json("select/selection.json", {"counts": counts, "own_sets": True})
    context.events.say(
        "select: sets of your own, trained on as they are: not cleaned, not screened, not decontaminated",
        **counts,
    )
    return counts


def _chats(context: StageContext, aside: list[Quarantined], counts: Counts) -> Iterator[SftExample]:
    data, seen = context.config.data, set[str]()
    if data.train_chats is None:
        return
    for row in read_rows(data.train_chats, STAGE, data.follow_links):
        if isinstance(row, Quarantined):
            aside.append(row)
            continue
        try:
            examples = chat_examples(row.value)
        except UnusableRowError as error:
            aside.append(bad_row(STAGE, row, str(error)))
            continue
        if examples[0].source_id in seen:
            counts["repeats"] += 1
            continue
        seen.add(examples[0].source_id)
        yield from examples


def _questions(context: StageContext, aside: list[Quarantined], counts: Counts) -> Iterator[Question]:
    data, seen = context.config.data, set[str]()
    if data.train_questions is None:
        return
    for found in _read_questions(data.train_questions, data.follow_links):
        if isinstance(found, Quarantined):
            aside.append(found)
        elif found.id in seen:
            counts["repeats"] += 1
        else:
            seen.add(found.id)
            yield found


def _read_questions(path: str, follow_links: bool) -> Iterator[Question | Quarantined]:
    """Open questions, then those with options, which are understood together."""
    lettered = set[tuple[str, int]]()
    for row in read_rows(path, STAGE, follow_links):
        if isinstance(row, Quarantined):
            yield row
        elif has_options(row.value):
            lettered.add((row.source, row.row))
        else:
            try:
                yield open_question(row.value, row.source)
            except UnusableRowError as error:
                yield bad_row(STAGE, row, str(error))
    if not lettered:
        return
    for read in exam_rows([path], follow_links):
        if (read.source, read.row) not in lettered:
            continue
        if read.question is not None and read.outcome in ("ok", "repeat"):
            yield read.question
        else:
            yield Quarantined(
                stage=STAGE, source=read.source, row=read.row, reason=read.reason, content=read.content
            )


def _refuse_none(path: str | None, found: int, aside: list[Quarantined]) -> None:
    if path is not None and not found:
        first = f"; the first reason: row {aside[0].row}: {aside[0].reason}" if aside else ""
        raise DataError(f"{path}: nothing to train on among {len(aside)} rows{first}")
