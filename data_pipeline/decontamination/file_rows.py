"""Rows of any training file as fragments: exam items, questions, chats, prompt and completion.

Invariant: every string of a row is looked at, whatever its field is called; what has a stem and options of
its own is also looked at as a question. A row of several questions (a case) is one record per question, so
that one match does not cost the others; the strings that they share belong to each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_pipeline.decontamination.evaluation_set import STEMS, loose_options
from data_pipeline.decontamination.fragments import Fragment, of_question, of_text
from data_pipeline.ingest.raw_rows import text_of

NESTED = "questions_and_answers"


def records_of_row(value: Mapping[str, Any] | str) -> list[tuple[list[Fragment], str]]:
    """(fragments, text) of each record in a row."""
    if isinstance(value, str):
        return [(of_text(value), value)]
    nested = value.get(NESTED)
    if not isinstance(nested, list):
        return [_record(value)]
    shared = "\n".join(_strings({k: v for k, v in value.items() if k != NESTED}))
    found = [_record(item) if isinstance(item, dict) else (of_text(str(item)), str(item)) for item in nested]
    return [(fragments + of_text(shared), f"{text} | {shared}") for fragments, text in found]


def without(value: dict[str, Any] | str, removed: Collection[int]) -> dict[str, Any] | str | None:
    """The row without its records at these places; None if nothing of it is left."""
    if not removed:
        return value
    nested = value.get(NESTED) if isinstance(value, dict) else None
    if not isinstance(nested, list) or isinstance(value, str):
        return None
    rest = [item for place, item in enumerate(nested) if place not in removed]
    return {**value, NESTED: rest} if rest else None


def _record(row: Mapping[str, Any]) -> tuple[list[Fragment], str]:
    stem, options = text_of(dict(row), STEMS), loose_options(row)
    text = "\n".join(_strings(row))
    if stem is None or not options:
        return of_text(text), text
    return of_question(stem, options) + of_text(text), " | ".join((stem, *options))


def _strings(value: Any) -> Iterator[str]:
    """All strings in a value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
