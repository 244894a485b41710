"""Evaluation sets as items to look for: what an exam asks, whether or not we could grade it.

Collaborators: ``ingest.rows`` finds files and rows, ``ingest.exam`` reads options; the known shapes are
those of the exam reader (flat items, cases with several questions, our own rows), and option columns A, B, ….
Invariants: an item without a key, with a wrong key or with options missing is still an item (an exam is
contaminated by it all the same), so this reader is laxer than ``ingest_questions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from data_pipeline.ingest.exam_options import options_of
from data_pipeline.ingest.raw_rows import RawRow, bad_row, read_rows, text_of
from psyche_rl.errors import DataError
from psyche_rl.records import LETTERS, Quarantined, Question

STAGE = "decontaminate.sets"
STEMS = ("question", "stem", "query", "prompt", "instruction", "input")
_CASES = ("general_info", "case_introduction", "case")


@dataclass(frozen=True)
class EvaluationItem:
    """One question of a named evaluation set; ``place`` says where it stands there."""

    set: str
    place: str
    stem: str
    options: tuple[str, ...] = ()
    case: str | None = None


def one_line(stem: str, options: Iterable[str]) -> str:
    """A question as it is listed."""
    return " | ".join((stem, *options))


def read_sets(paths: Sequence[str]) -> tuple[list[EvaluationItem], list[Quarantined]]:
    """The items of all sets, named by their file or folder, and the rows that hold none.

    Raises:
        DataError: a path is missing or holds no item.
    """
    names = [PurePosixPath(path.rstrip("/")).name for path in paths]
    items: list[EvaluationItem] = []
    bad: list[Quarantined] = []
    for place, (path, name) in enumerate(zip(paths, names, strict=True)):
        label = name if names.count(name) == 1 else f"{place}-{name}"
        found, rejected = _read_set(path, label)
        if not found:
            why = f"; the first reason: {rejected[0].reason}" if rejected else ""
            raise DataError(
                f"{path}: no exam item among {len(rejected)} rows{why}; "
                f"give rows with a question under one of {', '.join(STEMS)}"
            )
        items += found
        bad += rejected
    return items, bad


def held_out_items(questions: Sequence[Question], name: str = "held-out exam") -> list[EvaluationItem]:
    """The run's own exam as a set."""
    return [EvaluationItem(name, f"{q.source} {q.id}", q.stem, q.options, q.case) for q in questions]


def items_in(value: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str | None] | None]:
    """(stem, options, case) of each question in a row; None for one that has no stem."""
    nested = value.get("questions_and_answers")
    parts = [text_of(dict(value), (name,)) for name in _CASES]
    case = "\n".join(part for part in parts if part) or None
    for item in nested if isinstance(nested, list) else [value]:
        stem = text_of(item, STEMS) if isinstance(item, dict) else None
        yield None if stem is None else (stem, loose_options(item), case)


def loose_options(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Options in any shape: by letter, as a list, under other keys, or in columns A, B, …"""
    given = item.get("options") or item.get("choices")
    if isinstance(given, dict) and isinstance(given.get("text"), list):
        given = given["text"]  # Hugging Face's {"label": […], "text": […]}
    if not given and isinstance(item.get("A"), str) and isinstance(item.get("B"), str):
        given = [item[letter] for letter in LETTERS if isinstance(item.get(letter), str)]
    found = options_of(given)
    if isinstance(found, str):
        found = tuple(map(str, given.values())) if isinstance(given, dict) else (str(given),)
    return tuple(option for option in found if option)


def _read_set(path: str, name: str) -> tuple[list[EvaluationItem], list[Quarantined]]:
    items: list[EvaluationItem] = []
    bad: list[Quarantined] = []
    for row in read_rows(path, STAGE):
        if isinstance(row, Quarantined):
            bad.append(row)
        elif isinstance(row.value, str):
            bad.append(bad_row(STAGE, row, "a text, not an exam item"))
        else:
            _add(row, row.value, name, items, bad)
    return items, bad


def _add(
    row: RawRow, value: dict[str, Any], name: str, items: list[EvaluationItem], bad: list[Quarantined]
) -> None:
    for number, found in enumerate(items_in(value), 1):
        if found is None:
            bad.append(bad_row(STAGE, row, f"item {number}: no text under any of: {', '.join(STEMS)}"))
        else:
            items.append(EvaluationItem(name, f"{row.source} row {row.row} item {number}", *found))
