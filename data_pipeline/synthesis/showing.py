"""How the teacher sees a question: case, kind, stem, lettered options; never its key."""

from __future__ import annotations

from data_pipeline.synthesis.templates import KIND_NAMES
from psyche_rl.records import Question


def shown(question: Question) -> str:
    """The question as text, without its key."""
    lines = [question.case] if question.case else []
    lines.append(f"{KIND_NAMES[question.kind]}：{question.stem}")
    lines += [f"{letter}.{text}" for letter, text in zip(question.letters, question.options, strict=True)]
    return "\n".join(lines)
