"""Exam questions as they are found: flat items, cases with several questions, essays.

Known shapes: ``{"question", "options": {"A": …} | […], "answer"}`` with ``analysis`` or ``explanation``;
``{"general_info", "case_introduction", "questions_and_answers": […]}``; our own ``Question`` rows.
A choice question of a case keeps its kind (single or multiple) and carries the case; kind "case" is for those
that do not say.
Invariants:
- Golds and options are canonical (see ``question_rules``).
- An item that cannot be scored is quarantined, never repaired by guessing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.raw_rows import RawRow, bad_row, read_rows, text_of
from data_pipeline.text.folding import fold
from data_pipeline.text.question_rules import canonical_gold, fault, option_texts, split_mark
from psyche_rl.errors import DataError
from psyche_rl.records import LETTERS, Quarantined, Question, QuestionKind, content_id

STAGE = "ingest.questions"
_STEM = ("question", "stem", "query")
_GOLD = ("answer", "gold", "label")
_WHY = ("analysis", "explanation")
_POINTS = re.compile(r"[（(]\s*\d+(?:\.\d+)?\s*分\s*[）)]")
_STATED: dict[str, QuestionKind] = {
    "single": "single", "multi": "multiple", "multiple": "multiple", "case": "case", "short": "short",
}  # fmt: skip


def ingest_questions(path: str) -> tuple[list[Question], list[Quarantined]]:
    """Questions of a file or folder, each once, and the items that cannot be used.

    Raises:
        DataError: the path is missing or nothing in it is a question.
    """
    questions: dict[str, Question] = {}
    bad: list[Quarantined] = []
    for row in read_rows(path, STAGE):
        if isinstance(row, Quarantined):
            bad.append(row)
            continue
        for place, found in enumerate(_items(row), 1):
            question = found if isinstance(found, str) else _question(row, *found)
            if isinstance(question, Question) and question.id in questions:
                question = f"the same question as one in {questions[question.id].source}"
            if isinstance(question, Question):
                questions[question.id] = question
            else:
                bad.append(bad_row(STAGE, row, f"item {place}: {question}"))
    if not questions:
        first = f"; the first reason: {bad[0].reason}" if bad else ""
        raise DataError(f"{path}: no exam question among {len(bad)} rows{first}")
    return list(questions.values()), bad


def _items(row: RawRow) -> Iterator[tuple[dict[str, Any], str | None] | str]:
    """(item, case text) of each question in a row, or why there is none."""
    if isinstance(row.value, str):
        yield "a text, not an exam item"
        return
    nested = row.value.get("questions_and_answers")
    if not isinstance(nested, list):
        yield row.value, text_of(row.value, ("case",))
        return
    if not nested:
        yield "a case without items"
    parts = [text_of(row.value, (name,)) for name in ("general_info", "case_introduction")]
    case = "\n".join(clean_text(part) for part in parts if part)
    for item in nested:
        yield (item, case or None) if isinstance(item, dict) else "not a mapping"


def _question(row: RawRow, item: dict[str, Any], case: str | None) -> Question | str:
    raw_stem = text_of(item, _STEM)
    if raw_stem is None:
        return f"no text under any of: {', '.join(_STEM)}"
    marked, stem = split_mark(raw_stem)
    options = options_of(item.get("options"))
    if isinstance(options, str):
        return options
    answer = text_of(item, _GOLD) or ""
    gold = canonical_gold(answer) if options else _POINTS.sub("", fold(answer)).strip()
    kind = marked or _stated_kind(item, row.source)
    if not options:
        kind = "short"
    elif kind is None or kind == "short":
        kind = "case" if case else "multiple" if len(gold) > 1 else "single"
    why = fault(kind, stem, options, gold)
    if why:
        return why
    return Question(
        id=content_id("question", kind, case or "", stem, *options, gold),
        kind=kind,
        stem=stem,
        options=options,
        gold=gold,
        case=case,
        source=row.source,
        explanation=clean_text(text_of(item, _WHY) or "") or None,
    )


def _stated_kind(item: dict[str, Any], source: str) -> QuestionKind | None:
    """What the item says of its kind, else what the name of its file or folder says."""
    for name in ("question_type", "type", "kind"):
        stated = _STATED.get(str(item.get(name, "")).strip().lower())
        if stated:
            return stated
    if re.search(r"单选|单项|/single/", source):
        return "single"
    return "multiple" if re.search(r"多选|多项|/multiple/", source) else None


def options_of(found: Any) -> tuple[str, ...] | str:
    """The options in the order of their letters; empty ones at the end are left off (padding)."""
    if not found:
        return ()
    if isinstance(found, dict):
        by_letter = {canonical_gold(str(key)): value for key, value in found.items()}
        if any(len(letter) != 1 for letter in by_letter):
            return f"options under {', '.join(map(str, found))}, not under letters"
        texts = [by_letter.get(letter) for letter in LETTERS[: LETTERS.index(max(by_letter)) + 1]]
    elif isinstance(found, list | tuple):
        texts = list(found)
    else:
        return f"options are {type(found).__name__}, not a mapping or list"
    cleaned = list(option_texts(["" if text is None else str(text) for text in texts]))
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    return tuple(cleaned)
