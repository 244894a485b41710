"""Rows of questions without options, whose gold is what a reward or a metric asks for. Pure.

Collaborators: ``selection.own_sets`` (what is trained on) and ``benchmarks.open_items`` (what is asked);
``exam_questions`` reads rows with options.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from psyche_rl.records import Question, QuestionKind, content_id

STEMS = ("question", "stem", "prompt")
OPTIONS = ("options", "option", "choices", "选项", "A")
"""Columns of a row with options."""


class UnusableRowError(ValueError):
    """Why a row is not used."""


def open_question(row: Mapping[str, Any] | str, source: str) -> Question:
    """A question without options; its gold is what the reward asks for, JSON as text.

    Raises:
        UnusableRowError: there is no text of a question, or no such kind.
    """
    if isinstance(row, str):
        raise UnusableRowError("a text, not a row")
    stem = next((row[name] for name in STEMS if isinstance(row.get(name), str) and row[name].strip()), None)
    if stem is None:
        raise UnusableRowError(f"no text under {', '.join(STEMS)}")
    kind, case, gold = row.get("kind") or "short", row.get("case") or None, row.get("gold", "")
    if kind not in get_args(QuestionKind):
        raise UnusableRowError(f"no kind {kind!r}; there are {', '.join(get_args(QuestionKind))}")
    if case is not None and not isinstance(case, str):
        raise UnusableRowError("the case is no text")
    if not isinstance(gold, str):
        gold = "" if gold is None else json.dumps(gold, ensure_ascii=False)
    return Question(
        id=content_id("question", kind, case or "", stem, gold),
        kind=kind,
        stem=stem,
        gold=gold,
        case=case,
        source=source,
    )


def has_options(row: Mapping[str, Any] | str) -> bool:
    """Whether a row is to be read as one of an exam."""
    return not isinstance(row, str) and any(row.get(name) not in (None, "") for name in OPTIONS)
