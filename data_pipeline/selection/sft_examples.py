"""The SFT set: what is imitated (paper section 3.2). Pure.

Invariant: the last accepted rationale of a question is the one that is imitated; the order of the questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.questions.render import question_text, reply_text
from psyche_rl.records import Dialogue, Message, Question, Rationale, SftExample, content_id


def sft_examples(
    questions: Sequence[Question],
    rationales: Sequence[Rationale],
    dialogues: Sequence[Dialogue],
    prompt: PromptConfig,
) -> list[SftExample]:
    """A chat for each question that has a rationale (the last accepted one), then empathetic dialogues."""
    last: dict[str, Rationale] = {}
    for rationale in rationales:
        known = last.get(rationale.question_id)
        if known is None or rationale.round >= known.round:
            last[rationale.question_id] = rationale
    reasoning = [_reasoning(q, last[q.id], prompt) for q in questions if q.id in last]
    return reasoning + [_empathy(d) for d in dialogues if d.kind == "empathetic"]


def _reasoning(question: Question, rationale: Rationale, prompt: PromptConfig) -> SftExample:
    user = Message(role="user", content=question_text(question, prompt))
    assistant = Message(role="assistant", content=reply_text(rationale.text, rationale.answer))
    return SftExample(
        id=content_id("sft", question.id, rationale.id),
        kind="reasoning",
        messages=(user, assistant),
        source_id=question.id,
    )


def _empathy(dialogue: Dialogue) -> SftExample:
    return SftExample(
        id=content_id("sft", dialogue.id), kind="empathy", messages=dialogue.messages, source_id=dialogue.id
    )
