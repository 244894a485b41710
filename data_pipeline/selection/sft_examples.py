"""The SFT set: what is imitated (paper section 3.2). Pure.

Invariant: the last accepted rationale of a question is the one that is imitated; the order of the questions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.questions.render import question_text, reply_text
from psyche_rl.records import Dialogue, Message, Question, Rationale, SftExample, content_id
from psyche_rl.store.by_key import by_key
from psyche_rl.store.digests import digests64
from psyche_rl.store.stored_records import one_field, where


def sft_examples(
    questions: Collection[Question],
    rationales: Collection[Rationale],
    dialogues: Collection[Dialogue],
    prompt: PromptConfig,
) -> Iterator[SftExample]:
    """A chat for each question that has a rationale (the last accepted one), then empathetic dialogues."""
    last = last_round(rationales)
    for question in questions:
        rationale = last.get(question.id)
        if rationale is not None:
            yield _reasoning(question, rationale, prompt)
    yield from (_empathy(d) for d in dialogues if d.kind == "empathetic")


def last_round(rationales: Collection[Rationale]) -> Mapping[str, Rationale]:
    """Question id -> its last accepted rationale: that of the highest round, the later one of two."""
    of = digests64(one_field(rationales, "question_id"))
    rounds = np.fromiter(one_field(rationales, "round"), np.int64)
    order = np.lexsort((np.arange(len(of)), rounds, of))
    last = np.ones(len(of), bool)
    last[order[:-1]] = of[order[1:]] != of[order[:-1]]
    return by_key(where(rationales, last), "question_id")


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
