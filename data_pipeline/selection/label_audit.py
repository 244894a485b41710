"""Which keys are doubtful: the rule "every selector wrong" also collects wrong keys.

Pure.
Collaborators: the select stage writes the findings and puts them before a person.
Invariants:
- One finding per question.
- Findings keep the order of the questions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from data_pipeline.answering.verdict import Verdicts, pass_rate
from psyche_rl.records import Question, RationaleRound, Record

AuditReason = Literal["selectors_agree", "teacher_wrong"]


class LabelDoubt(Record):
    """A question whose key may be wrong, and what speaks against it."""

    question_id: str
    kind: str
    stem: str
    gold: str
    reasons: tuple[AuditReason, ...]
    agreed: str | None
    """The one answer on which all samples of all selectors agree."""
    teacher: str | None
    """The teacher's own answer, where it missed the key."""
    pass_rate: float | None
    hard: bool

    @property
    def note(self) -> str:
        """What was found, in a line."""
        said = [f"every selector answers {self.agreed}"] if self.agreed else []
        if "teacher_wrong" in self.reasons:
            said.append(
                f"the teacher answers {self.teacher}" if self.teacher else "the teacher states no answer"
            )
        return f"the key is {self.gold}; " + "; ".join(said)


def label_doubts(
    questions: Collection[Question],
    verdicts: Verdicts,
    teacher_wrong: Collection[RationaleRound],
    hard: Collection[str],
) -> list[LabelDoubt]:
    """Questions on which selectors agree against the key, or whose key the teacher did not reach."""
    agreed = suspects(questions, verdicts)
    missed: Mapping[str, str | None] = {t.question_id: t.answer for t in teacher_wrong}
    found = []
    for question in questions:
        reasons: list[AuditReason] = ["selectors_agree"] if question.id in agreed else []
        if question.id in missed:
            reasons.append("teacher_wrong")
        if not reasons:
            continue
        given = verdicts.get(question.id)
        found.append(
            LabelDoubt(
                question_id=question.id,
                kind=question.kind,
                stem=question.stem,
                gold=question.gold,
                reasons=tuple(reasons),
                agreed=agreed.get(question.id),
                teacher=missed.get(question.id),
                pass_rate=pass_rate(given) if given else None,
                hard=question.id in hard,
            )
        )
    return found


def suspects(questions: Collection[Question], verdicts: Verdicts) -> dict[str, str]:
    """Question id -> the one answer on which all samples of all selectors agree although the key differs."""
    found = {}
    for question in questions:
        answers = {v.answer for v in verdicts.get(question.id, ())}
        if len(answers) == 1 and (answer := answers.pop()) is not None and answer != question.gold:
            found[question.id] = answer
    return found
