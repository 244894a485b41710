"""What a question must satisfy, whoever wrote it: the same rules for made and for given questions.

Pure functions over text; ``ingest.exam`` and ``questions`` quarantine what :func:`fault` names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import rewards
from data_pipeline.text.folding import fold
from data_pipeline.text.spans import canonical
from psyche_rl.records import LETTERS, QuestionKind

# Cyrillic and Greek capitals that look like option letters; NFKC does not fold them.
_LOOK_ALIKES = str.maketrans("АВСЕНΑΒΕΗ", "ABCEHABEH")
_KIND_MARK = re.compile(
    r"^(?:[\[(（【]?\s*(单|多)(?:项)?(?:选择题|选题|选)\s*[\])）】]?\s*[:：.．、]?|\d+\s*[.．、](?!\d))\s*"
)
_LETTER_MARK = re.compile(r"^[A-Z]\s*[.．、:：)）]\s*")


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
    while found := _KIND_MARK.match(text):
        kind = {"单": "single", "多": "multiple", None: kind}[found[1]]  # type: ignore[assignment]
        text = text[found.end() :]
    return kind, text


def option_text(option: str) -> str:
    """An option without its letter, on one line."""
    return _LETTER_MARK.sub("", one_line(option))


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
