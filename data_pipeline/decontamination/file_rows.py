"""Rows of any training file as fragments: exam items, questions, chats, prompt and completion.

Invariants:
- Every string of a row is looked at, by itself and with the others, whatever its field is called and in
  whatever order the fields stand; roles are no text. What has a stem and options of its own is also looked at
  as a question.
- A row of several questions (a case) is one record per question, so that one match does not cost the others;
  the strings that they share belong to each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from data_pipeline.decontamination.evaluation_set import STEMS, loose_options, one_line
from data_pipeline.decontamination.fragments import Fragment, of_question, of_text, option_sets
from data_pipeline.ingest.raw_row import text_of
from data_pipeline.text.comparable import comparable

NESTED = "questions_and_answers"
NAMING = frozenset(("role", "from", "speaker", "sender", "type", "language", "lang", "model", "split"))
"""Keys whose strings name a speaker or a kind: they are no text."""
LONGEST_STEM = 400  # characters of a field that may be the stem to the options in another


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
    strings = list(_strings(row))
    text = "\n".join(strings)
    found = of_question(stem, options) if stem is not None and options else []
    if len(strings) > 1:
        found += [fragment for string in strings for fragment in of_text(string)]
        found += list(_across(strings))
    fragments = list(dict.fromkeys([*found, *of_text(text)]))
    return fragments, one_line(stem, options) if stem is not None and options else text


def _across(strings: Sequence[str]) -> Iterator[Fragment]:
    """Questions whose stem stands in one field and whose options in another, in whatever order."""
    options = [each for string in strings for each in option_sets(string) if each]
    alone = [string for string in strings if len(string) <= LONGEST_STEM and not option_sets(string)]
    for each in dict.fromkeys(options):
        yield from (Fragment(text, each) for stem in alone if (text := comparable(stem)))


def _strings(value: Any) -> Iterator[str]:
    """All strings in a value, in order, without those that name things."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if not (isinstance(part, str) and str(name).lower() in NAMING):
                yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
