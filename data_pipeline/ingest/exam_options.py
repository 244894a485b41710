"""Options of an exam item, however they are written down.

Role: :func:`options_of` reads one value, :func:`options_in` finds it in an item: under a name, in columns, or
in the stem.
Known shapes: a mapping from letters, numbers or labels; a list of texts; a list of ``{key, value}`` or
``{label, text}``; Hugging Face's ``{"label": […], "text": […]}``; JSON or lettered lines in one text; columns
A, B, … (also option_a, 选项A, opa, ending0).
Invariant: what stands where options are expected and cannot be read is a reason, never no options.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_pipeline.ingest.lettered import split_lettered
from data_pipeline.text.question_rules import canonical_gold, option_texts
from psyche_rl.records import LETTERS

NAMES = (
    "options",
    "option",
    "choices",
    "choice",
    "candidates",
    "answer_choices",
    "endings",
    "选项",
    "备选项",
)
_COLUMN = re.compile(
    r"(?:option|opt|op|choice|选项|answer_)?[_ ]?(?P<letter>[a-h])(?:选项)?"
    r"|(?:option|choice|选项|ending|sol)[_ ]?(?P<number>\d)"
)
_LABEL = ("key", "label", "id", "letter", "name", "option", "index", "选项")
_TEXT = ("value", "text", "content", "option_text", "description", "title", "内容")


@dataclass(frozen=True)
class ItemOptions:
    """Texts in the order of their letters, and the labels that they had, by which a key may name them.

    ``stem`` is what is left of a stem that held them.
    """

    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    stem: str | None = None


def options_in(item: Mapping[str, Any], stem: str) -> ItemOptions | str:
    """The options of an item whose keys are lower case; empty ones at the end are left off (padding)."""
    for name in NAMES:
        if not _is_empty(item.get(name)):
            return _labelled(item[name])
    columns = _columns(item)
    if len(columns) > 1:
        return _whole(columns, LETTERS[: len(columns)])
    found = split_lettered(stem)
    if found is not None:
        return ItemOptions(_without_padding(found.options), tuple(LETTERS[: len(found.options)]), found.stem)
    return ItemOptions()


def options_of(found: Any) -> tuple[str, ...] | str:
    """The options in one value, or why there are none to be read."""
    options = _labelled(found) if found else ItemOptions()
    return options if isinstance(options, str) else options.texts


def _labelled(found: Any) -> ItemOptions | str:
    if isinstance(found, str):
        return _in_text(found)
    if isinstance(found, dict):
        labels, texts = found.get("label"), found.get("text", found.get("texts"))
        if isinstance(texts, list) and (labels is None or isinstance(labels, list)):
            return _whole(texts, labels or LETTERS[: len(texts)])
        return _mapping(found)
    if isinstance(found, list | tuple):
        return _list(found)
    return f"options are {type(found).__name__}, not a mapping or list"


def _mapping(found: Mapping[Any, Any]) -> ItemOptions | str:
    by_letter = {canonical_gold(str(key)): value for key, value in found.items()}
    if all(len(letter) == 1 for letter in by_letter):
        last = LETTERS.index(max(by_letter)) + 1
        texts = [by_letter.get(letter) for letter in LETTERS[:last]]
        return _whole(texts, LETTERS[:last])
    if all(re.fullmatch(r"\d{1,2}|[①-⑳]", str(key).strip()) for key in found):
        return _whole(list(found.values()), [str(key).strip() for key in found])
    return f"options under {', '.join(map(str, found))}, not under letters"


def _list(found: Sequence[Any]) -> ItemOptions | str:
    if all(isinstance(each, dict) for each in found):
        pairs = [_pair(each) for each in found]
        if None in pairs:
            return f"options are mappings with {', '.join(map(str, found[0]))}, not with a key and a text"
        known = [pair for pair in pairs if pair is not None]
        labels = [label for label, _ in known]
        letters = [canonical_gold(label) for label in labels]
        if all(len(letter) == 1 for letter in letters) and len(set(letters)) == len(letters):
            return _mapping({letter: text for letter, (_, text) in zip(letters, known, strict=True)})
        return _whole([text for _, text in known], labels)
    if all(isinstance(each, list | tuple) and len(each) == 2 for each in found):
        return _list([{"key": label, "value": text} for label, text in found])
    if any(isinstance(each, dict | list | tuple) for each in found):
        return "options are a list of values of several kinds"
    return _whole(found, LETTERS[: len(found)])


def _pair(option: Mapping[Any, Any]) -> tuple[str, Any] | None:
    """(label, text) of an option that is a mapping."""
    if len(option) == 1:
        ((label, text),) = option.items()
        return (str(label), text) if str(label) not in _TEXT else ("", text)
    text = next((option[name] for name in _TEXT if name in option), None)
    label = next((option[name] for name in _LABEL if name in option), "")
    return None if text is None else (str(label), text)


def _in_text(text: str) -> ItemOptions | str:
    bare = text.strip()
    if bare[:1] in "[{":
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(bare)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(value, list | dict | tuple):
                return _labelled(value)
    found = split_lettered(f"\n{bare}")
    if found is not None and not found.stem:
        return _whole(found.options, LETTERS[: len(found.options)])
    lines = [line for line in re.split(r"[\n|]", bare) if line.strip()]
    if len(lines) > 1:
        return _whole(lines, LETTERS[: len(lines)])
    return f"options are the text {bare[:60]!r}, in which no two are told apart"


def _columns(item: Mapping[str, Any]) -> list[Any]:
    """The values of columns a, b, … or 0, 1, … of one naming, from the first on."""
    by_naming: dict[str, dict[int, Any]] = {}
    for key, value in item.items():
        found = _COLUMN.fullmatch(str(key))
        if found is not None:
            mark = found["letter"] or found["number"]
            place = ord(mark) - ord("a") if found["letter"] else int(mark)
            by_naming.setdefault(str(key).replace(mark, "", 1) + ("" if found["letter"] else "#"), {})[
                place
            ] = value
    for columns in by_naming.values():
        first = min(columns)
        if first <= 1 and len(columns) > 1 and any(not _is_empty(value) for value in columns.values()):
            return [columns.get(place) for place in range(first, max(columns) + 1)]
    return []


def _whole(texts: Sequence[Any], labels: Sequence[Any]) -> ItemOptions | str:
    if any(isinstance(text, dict | list) for text in texts):
        return "options hold lists or mappings"
    cleaned = _without_padding(option_texts(["" if _is_empty(text) else str(text) for text in texts]))
    return ItemOptions(cleaned, tuple(str(label).strip() for label in labels))


def _without_padding(texts: Sequence[str]) -> tuple[str, ...]:
    kept = list(texts)
    while kept and not kept[-1].strip():
        kept.pop()
    return tuple(kept)


def _is_empty(value: Any) -> bool:
    """None, empty, or the NaN of a table."""
    return value is None or value in ("", [], {}) or value != value  # noqa: PLR0124
