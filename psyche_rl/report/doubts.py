"""What may be wrong with a test question that is shown, so that no doubtful one stands without a remark.

Pure. The question is looked at for what can be seen without knowing the subject; the replies for whether
every model speaks against the key.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from psyche_rl.records import Question


def question_doubts(question: Question) -> list[str]:
    """Remarks on the question alone."""
    remarks = []
    if not question.stem.strip():
        remarks.append("It has no question text.")
    alike: dict[str, str] = {}
    for letter, option in zip(question.letters, question.options, strict=False):
        text = "".join(unicodedata.normalize("NFKC", option).split()).rstrip("。．.;；")
        if not text:
            remarks.append(f"Option {letter} is empty.")
        elif text in alike:
            remarks.append(f"Options {alike[text]} and {letter} say the same.")
        else:
            alike[text] = letter
    if question.options:
        if absent := [letter for letter in question.gold if letter not in question.letters]:
            remarks.append(f"Its key names {''.join(absent)}, and there is no such option.")
        if question.kind == "multiple" and len(question.gold) == 1:
            remarks.append("It is asked as multiple choice, and its key is one letter.")
    return remarks


def reply_doubts(question: Question, rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Remarks from what the models answered; ``rows``: model -> its evaluation row."""
    remarks = []
    answers = {row["answer"] for row in rows.values()}
    if len(rows) > 1 and len(answers) == 1 and (answer := answers.pop()) and answer != question.gold:
        remarks.append(f"Every model shown answers {answer} and none {question.gold}: the key may be wrong.")
    cut = [model for model, row in rows.items() if row.get("finish_reason") == "length"]
    if cut:
        remarks.append(f"Cut off at the length limit: the reply of {' and '.join(cut)}.")
    return remarks
