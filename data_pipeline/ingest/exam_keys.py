"""Keys of exam items, however they are written down: as sorted letters.

Known shapes: letters in any spelling (``Ｂ、A``); ``["A"]``; an index; a label of an option; the text of an
option, or of several; ``A. text``; ``答案：A``.
Invariants:
- A key that two readings would make different letters of is none, with the reason.
- Indices count from 0. Where a file has one as large as the number of options and none that is 0, they count
  from 1, since they can only be read so (:func:`first_index`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data_pipeline.ingest.lettered import split_lettered
from data_pipeline.text.folding import fold
from data_pipeline.text.question_rules import canonical_gold
from data_pipeline.text.spans import canonical
from psyche_rl.records import LETTERS

NAMES = (
    "answer", "gold", "answer_idx", "answer_index", "answer_key", "answerkey", "correct_answer",
    "correct_option", "correct_answers", "correct", "right_answer", "reference_answer", "target", "cop",
    "label", "key", "output", "response", "答案",
    "正确答案", "标准答案", "参考答案",
)  # fmt: skip
_ANNOUNCED = re.compile(
    r"^\s*(?:the\s+)?(?:正确|参考|标准|最佳)?(?:答案|选项|answer|key)\s*(?:应?[是为选]|is)?\s*[:：]?\s*|^\s*(?:故|应)?选\s*[:：]?\s*",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"^[(（\[【]?([A-Ha-h])(?:\s*[.．、:：)）\]】]\s*|\s+)(\S.*)$", re.DOTALL)
_OF_MAPPING = ("label", "key", "letter", "id", "option", "text", "value", "content")
_TRUE, _FALSE = ("正确", "对", "是", "true", "yes", "√"), ("错误", "错", "否", "false", "no", "×")
_CIRCLED = "①②③④⑤⑥⑦⑧"
_SMALL = re.compile(r"[a-h](?:[\s,，、;；/]+[a-h])*")
_WORD = re.compile(r"[a-z]{2}")
_SEVERAL = re.compile(r"[;；|\n]|、|，|, ")


class UnreadableKeyError(ValueError):
    """What stands where the key is expected is no key; the message says why."""


def letters_of(value: Any, options: Sequence[str], labels: Sequence[str] = (), first: int = 0) -> str:
    """The letters that a key names among the options; empty where there is no key.

    Letters beyond the options are given back as they are: they are another fault.

    Raises:
        UnreadableKeyError: it names none, or could be read in two ways.
    """
    if value is None or value != value:  # noqa: PLR0124
        return ""
    if isinstance(value, bool):
        return _truth(value, options)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        letter, as_text = _indexed(value, options, first), _option(str(value), list(map(canonical, options)))
        if as_text and as_text != letter:
            raise UnreadableKeyError(f"the key {value} may be an index or the text of option {as_text}")
        return letter
    if isinstance(value, list | tuple):
        return canonical_gold("".join(letters_of(each, options, labels, first) for each in value))
    if isinstance(value, Mapping):
        named = [value[name] for name in _OF_MAPPING if name in value]
        return letters_of(named[0], options, labels, first) if named else ""
    return _of_text(str(value), options, labels, first)


def first_index(keys: Iterable[tuple[Any, int]]) -> int:
    """What the indices of a file count from; ``keys`` are (key, number of options) of its items."""
    indices = [(index, options) for key, options in keys if options and (index := index_of(key)) is not None]
    one = any(index == options for index, options in indices) and all(index > 0 for index, _ in indices)
    return 1 if one else 0


def index_of(key: Any) -> int | None:
    """A key that is a whole number."""
    if isinstance(key, bool):
        return None
    if isinstance(key, float) and key.is_integer():
        return int(key)
    if isinstance(key, str) and re.fullmatch(r"\s*\d{1,2}\s*", key):
        return int(key)
    return key if isinstance(key, int) else None


def _truth(value: bool, options: Sequence[str]) -> str:
    """The letter of the option that says true or false."""
    said = [canonical(word) for word in (_TRUE if value else _FALSE)]
    places = [place for place, option in enumerate(options) if canonical(option) in said]
    return LETTERS[places[0]] if len(places) == 1 else ""


def _indexed(value: int, options: Sequence[str], first: int) -> str:
    if not first <= value < first + len(options):
        raise UnreadableKeyError(f"the key {value} is no index of {len(options)} options, from {first} on")
    return LETTERS[value - first]


def _of_text(text: str, options: Sequence[str], labels: Sequence[str], first: int) -> str:
    if text.strip() in _CIRCLED and text.strip():
        return _indexed(_CIRCLED.index(text.strip()), options, 0)
    bare = fold(text).strip()
    if bare[:1] == "[" and bare[-1:] == "]":
        try:
            return letters_of(ast.literal_eval(bare), options, labels, first)
        except (ValueError, SyntaxError):
            bare = bare[1:-1].strip()  # [A, C] without quotation marks
    if not bare:
        return ""
    for said in dict.fromkeys((_ANNOUNCED.sub("", bare).strip(" 。."), bare)):
        found = _read(said, options, labels, first)
        if found:
            return found
    raise UnreadableKeyError(f"the key {bare[:60]!r} is neither letters nor an option")


def _read(bare: str, options: Sequence[str], labels: Sequence[str], first: int) -> str:
    """The letters of one spelling of a key; empty where it is none."""
    texts = [canonical(option) for option in options]
    as_text = _option(bare, texts)
    letters = "" if _WORD.search(bare) else canonical_gold(bare)
    if _SMALL.fullmatch(bare):
        letters = canonical_gold(bare.upper())
    if letters and as_text and letters != as_text:
        raise UnreadableKeyError(f"the key {bare!r} may be letters or the text of option {as_text}")
    named = letters or as_text or (LETTERS[labels.index(bare)] if bare in labels else "")
    if named:
        return named
    if re.fullmatch(r"\d{1,2}", bare):
        return _indexed(int(bare), options, first)
    several = split_lettered(f"\n{bare}")
    if several is not None and not several.stem:
        return canonical_gold("".join(_option(each.strip(" ;；,，。"), texts) for each in several.options))
    marks = [_LETTERED.match(part.strip()) for part in re.split(r"[;；\n]", bare) if part.strip()]
    if marks and all(marks):
        return canonical_gold("".join(_marked(m[1].upper(), m[2], texts) for m in marks if m))
    parts = [_option(part, texts) for part in _SEVERAL.split(bare) if part.strip()]
    return canonical_gold("".join(parts)) if len(parts) > 1 and all(parts) else ""


def _marked(letter: str, text: str, texts: Sequence[str]) -> str:
    """The letter of ``A. text``, where the text is that option's."""
    place = LETTERS.index(letter)
    said = canonical(text.rstrip("。. "))
    if (
        place < len(texts)
        and texts[place].rstrip("。.") not in (said, "")
        and not texts[place].startswith(said)
    ):
        raise UnreadableKeyError(f"the key names option {letter} and another text than that option's")
    return letter


def _option(text: str, texts: Sequence[str]) -> str:
    said = canonical(text)
    places = [place for place, option in enumerate(texts) if option and option == said]
    return LETTERS[places[0]] if len(places) == 1 else ""
