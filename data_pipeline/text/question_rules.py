"""What a question must satisfy, whoever wrote it: the same rules for made and for given questions.

Pure functions over text; ``ingest.exam`` and ``questions`` quarantine what :func:`fault` names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import rewards
from data_pipeline.text.folding import fold
from data_pipeline.text.spans import canonical
from psyche_rl.records import LETTERS, QuestionKind

_ANNOUNCED: dict[str, QuestionKind | None] = {"单": "single", "多": "multiple", "不定": None}
# Cyrillic and Greek capitals that look like option letters; NFKC does not fold them.
_LOOK_ALIKES = str.maketrans("АВСЕНΑΒΕΗ", "ABCEHABEH")
# 单选：, [多选题], 不定项选择题. Without brackets or a mark behind it the word is the stem's: 多选题目的优点.
_KIND = r"(?P<kind>[单多]|不定)(?:项)?(?:选择题|选择|选题|选)"
_KIND_MARK = re.compile(
    rf"(?:[\[(（【]\s*{_KIND}\s*[\])）】]\s*[:：.．、]?"
    rf"|{_KIND.replace('?P<kind>', '?P<marked>')}\s*(?:[:：.．、]|(?=\s|\d|下列|以下|关于|哪))"
    r")\s*"
)
_NUMBER_MARK = re.compile(
    r"(?P<number>\d{1,4})\s*(?:[.．、)）](?!\d)|(?=[\[(（【]\s*(?:[单多]|不定)项?选)|[.．](?P<dotted>(?=\d))|、(?=\d))\s*"
)
# What is counted in whole numbers: a digit behind "33." that begins one of these is no part of a decimal.
_WHOLE = re.compile(
    r"\d{1,2}(?:月|日|号|世纪|年级|年代|名(?!次)|位|种|条|例|道|所|组|PF|-HT)|\d{4}年"
    r"|\d{1,2}[-~～—至到]\d{1,2}(?:岁|个?月|年|周)|(?!5岁)\d{1,2}岁"
)
_LETTER_MARK = re.compile(r"^[\[(（【]?\s*(?P<letter>[A-ZⒶ-Ⓩ])\s*(?:[.．、:：)）\]】]|(?<=[Ⓐ-Ⓩ]))\s*")
_SECOND_LETTER = re.compile(
    r"^[A-Z]\s*、\s*(?P<second>[A-Z])(?=\s*(?:、|和|与|及|两|二|三|四|都|均|全|型|$))"
)


def canonical_gold(answer: str) -> str:
    """The letters of a key, sorted, each once: "Ｂ、A" -> "AB". Empty where it is not made of letters."""
    try:
        return rewards.canonical_gold(answer.translate(_LOOK_ALIKES))
    except ValueError:
        return ""


def split_mark(stem: str) -> tuple[QuestionKind | None, str]:
    """The kind that a stem announces (单选：, 多选题:, …), and the stem without that and its number."""
    kind: QuestionKind | None = None
    text = one_line(stem)
    while True:
        if found := _KIND_MARK.match(text):
            kind = _ANNOUNCED[found["kind"] or found["marked"]] or kind
        else:
            found = _number_mark(text)
        if found is None:
            return kind, text
        text = text[found.end() :]


def _number_mark(text: str) -> re.Match[str] | None:
    """The number of a question: 3. 12、 5) 81[多选题], and 33.4月以后, 122.16PF.

    No decimal (2.5个标准差) and no range (5、6岁的儿童).
    """
    found = _NUMBER_MARK.match(text)
    if found is None or not (after := re.match(r"\d+", text[found.end() :])):
        return found
    if found["dotted"] is not None:
        return found if _WHOLE.match(text[found.end() :]) else None
    return None if int(after[0]) == int(found["number"]) + 1 else found


def option_texts(options: Sequence[str]) -> tuple[str, ...]:
    """The options, each on one line and without its letter.

    A letter is a mark only where the options carry their own, in order: those that begin with other letters
    are initials or answers (C．罗杰斯, "A、B两型") and all keep what they begin with.
    """
    texts = [one_line(option) for option in options]
    marks = [_LETTER_MARK.match(text) for text in texts]
    if not _are_marks(texts, marks):
        return tuple(texts)
    return tuple(text[mark.end() :] if mark else text for text, mark in zip(texts, marks, strict=True))


def _are_marks(texts: Sequence[str], marks: Sequence[re.Match[str] | None]) -> bool:
    lettered = [(at, mark) for at, mark in enumerate(marks) if mark is not None]
    own = all(LETTERS[at : at + 1] == _plain_letter(mark["letter"]) for at, mark in lettered)
    if not own or len(lettered) < min(2, len(texts)):
        return False
    pairs = [_SECOND_LETTER.match(text) for text in texts]
    return not any(pair and pair["second"] != pair[0][0] for pair in pairs)


def _plain_letter(letter: str) -> str:
    """Ⓐ as A."""
    return unicodedata.normalize("NFKC", letter)


def one_line(text: str) -> str:
    """Folded text with all white space as single spaces, none within Chinese line breaks."""
    text = re.sub(r"(?<=[^\x00-\x7f])\s*\n\s*(?=[^\x00-\x7f])", "", fold(text))
    return " ".join(text.split())


def fault(kind: QuestionKind, stem: str, options: Sequence[str], gold: str) -> str | None:
    """Why this cannot be a question, or None.

    ``gold`` is canonical; for "short" it is the text of the answer and options are empty.
    """
    if not stem.strip():
        return "the stem is empty"
    if kind == "short":
        return None if gold.strip() else "the gold answer is empty"
    return _option_fault(options) or _gold_fault(kind, gold, len(options))


def option_clash(options: Sequence[str], gold: str) -> str | None:
    """Two options that say the same in other characters, or None: a distractor that equals a right option
    makes the key wrong, one that equals another distractor gives it away."""
    first: dict[str, str] = {}
    for letter, option in zip(LETTERS, options, strict=False):
        said = canonical(option)
        if not said:
            continue  # an empty option is another fault
        if said in first:
            other = first[said]
            right = [each for each in (other, letter) if each in gold]
            if len(right) == 1:
                wrong = letter if right[0] == other else other
                return f"distractor {wrong} equals the right option {right[0]}"
            return f"options {other} and {letter} are the same"
        first[said] = letter
    return None


def _option_fault(options: Sequence[str]) -> str | None:
    if not 2 <= len(options) <= len(LETTERS):
        return f"{len(options)} options; a choice has 2 to {len(LETTERS)}"
    for letter, option in zip(LETTERS, options, strict=False):
        if not option.strip():
            return f"option {letter} is empty"
    return "two options are the same" if len(set(options)) != len(options) else None


def _gold_fault(kind: QuestionKind, gold: str, options: int) -> str | None:
    if not gold:
        return "the gold answer is not made of option letters"
    outside = [letter for letter in gold if letter not in LETTERS[:options]]
    if outside:
        return f"gold letter {outside[0]} is not among the {options} options"
    if kind == "single" and len(gold) != 1:
        return f"a single-choice question with the gold {gold}"
    return None
