"""Which items a row of an exam file holds: itself, the questions of a case, or those of an EmoBench row.

Role: pure; gives each item with its keys in lower case and under one name, and the case that it belongs to.
Invariant: nothing of a row is lost: a row without an item says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.ingest.lettered import split_lettered
from data_pipeline.ingest.raw_row import text_of

NESTED = ("questions_and_answers", "questions", "sub_questions", "qas", "items")
CASE = ("general_info", "case_introduction", "case", "background", "案例", "案例介绍", "一般资料")
_CHINESE = {
    "题目": "question", "题干": "question", "问题": "question", "试题": "question", "选项": "options",
    "答案": "answer", "正确答案": "answer", "标准答案": "answer", "参考答案": "answer", "解析": "analysis",
    "答案解析": "analysis", "题型": "question_type", "题目类型": "question_type", "案例": "case",
}  # fmt: skip
_EMOTION = {
    "emotion": (
        "What emotion would {subject} ultimately feel in this situation?",
        "{subject}在这种情况下最终会有什么情绪？",
    ),
    "cause": (
        "Why would {subject} feel this way in this situation?",
        "{subject}在这种情况下为什么会有这种情绪？",
    ),
    "action": (
        "In this situation, what is the most effective action for {subject}?",
        "在这种情况下，{subject}最有效的做法是什么？",
    ),
    "response": (
        "In this situation, what is the most effective response for {subject}?",
        "在这种情况下，{subject}最有效的回应是什么？",
    ),
}
"""What EmoBench asks of a scenario, in its own words, by part or question type: English and Chinese."""

ASKS = "asks"
"""The column that says what of a scenario is asked."""
_RIGHT = ("is_correct", "correct", "isCorrect", "is_answer", "right")

Item = tuple[dict[str, Any], str | None]


def items_of(value: Mapping[str, Any] | str) -> Iterator[Item | str]:
    """(item, case text) of each question in a row, or why there is none."""
    if isinstance(value, str):
        yield "a text, not an exam item"
        return
    row = _plain(value)
    case = "\n".join(clean_text(part) for name in CASE if (part := text_of(row, (name,)))) or None
    nested = next((row[name] for name in NESTED if _is_nested(row, name)), None)
    if nested is None:
        yield from _emotional(row) if "scenario" in row and "subject" in row else [(row, case)]
        return
    if not nested:
        yield "a case without items"
    for item in nested:
        if not isinstance(item, dict):
            yield "not a mapping"
            continue
        own = _plain(item)
        own_case = "\n".join(clean_text(part) for name in CASE if (part := text_of(own, (name,))))
        yield own, "\n".join(part for part in (case, own_case) if part) or None


def columns_of(value: Mapping[str, Any] | str, item: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says beside its questions, and over it what the item says."""
    row = {} if isinstance(value, str) else _plain(value)
    return {name: held for name, held in row.items() if name not in NESTED} | dict(item)


def _is_nested(row: Mapping[str, Any], name: str) -> bool:
    held = row.get(name)
    if not isinstance(held, list):
        return False
    return name == "questions_and_answers" or (
        "question" not in row and bool(held) and isinstance(held[0], dict)
    )


def _plain(item: Mapping[Any, Any]) -> dict[str, Any]:
    """Keys in lower case, with _ for blanks, Chinese ones by their English names; a question that is a
    mapping (of stem and choices) beside the rest."""
    plain: dict[str, Any] = {}
    for key, value in item.items():
        name = "_".join(str(key).lower().split())
        plain.setdefault(_CHINESE.get(name, name), value)
    flagged = _flagged(plain.get("options") or plain.get("choices"))
    if flagged and "answer" not in plain:
        plain["answer"] = flagged
    task, given = plain.get("instruction"), plain.get("input")
    if "question" not in plain and isinstance(task, str) and isinstance(given, str):
        lettered = split_lettered(f"\n{given}")
        if lettered is not None and not lettered.stem:  # the input holds the options alone
            plain["question"] = f"{task}\n{given}"
    inner = plain.get("question")
    if isinstance(inner, dict):
        rest = {name: value for name, value in plain.items() if name != "question"}
        return rest | _plain(inner)
    return plain


def _flagged(options: Any) -> list[int]:
    """The places of options that say of themselves that they are right."""
    if not isinstance(options, list) or not all(isinstance(option, dict) for option in options):
        return []
    return [at for at, option in enumerate(options) if any(option.get(name) is True for name in _RIGHT)]


def _emotional(row: dict[str, Any]) -> Iterator[Item]:
    """EmoBench: a scenario with one question (EA) or with two, on emotion and cause (EU)."""
    scenario = clean_text(str(row["scenario"])) or None
    asked_in = 1 if str(row.get("language", "")).startswith("zh") else 0
    parts = [part for part in ("emotion", "cause") if f"{part}_choices" in row]
    if not parts:
        kind = str(row.get("question_type") or row.get("question") or "response").lower()
        words = _EMOTION.get(kind, _EMOTION["response"])[asked_in]
        stem = text_of(row, ("question", "stem", "query"))
        asked = stem if stem and stem.lower() not in _EMOTION else words.format(subject=row["subject"])
        others = {name: v for name, v in row.items() if name != "question_type"}
        yield others | {"question": asked, ASKS: "application"}, scenario
        return
    for part in parts:
        stem = _EMOTION[part][asked_in].format(subject=row["subject"])
        yield (
            {
                "question": stem,
                "choices": row[f"{part}_choices"],
                "answer": row.get(f"{part}_label"),
                ASKS: part,
            },
            scenario,
        )
