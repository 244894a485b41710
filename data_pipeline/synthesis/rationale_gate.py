"""The quality gate of polishing: is the new rationale better than the one it would replace?

Collaborators: the LLM through ``json_calls``; ``rationales`` asks here, where ``synth.rationale_gate`` is on.
Invariants:
- Which of the two stands first is drawn by question and seed, so that a liking for the first text does not
  decide.
- What cannot be read or was not answered counts as "not better".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.llm.client import LLM
from data_pipeline.domains import Domain
from data_pipeline.synthesis.json_calls import ask_until_read
from data_pipeline.synthesis.reply_schemas import Preference
from data_pipeline.synthesis.templates import request
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.questions.render import KIND_NAMES, shown_to_teacher
from psyche_rl.records import Question
from psyche_rl.seeded import generator


@dataclass(frozen=True)
class RationalePair:
    """Two rationales of one question."""

    question: Question
    old: str
    new: str
    seed: int
    domain: Domain

    @property
    def new_first(self) -> bool:
        return generator(self.seed, "gate", self.question.id).random() < 0.5

    def request(self, teacher: TeacherConfig) -> ChatRequest:
        first, second = (self.new, self.old) if self.new_first else (self.old, self.new)
        prompt = self.domain.render(
            "gate",
            kind_name=KIND_NAMES[self.question.kind],
            question=shown_to_teacher(self.question),
            first=first,
            second=second,
        )
        return request(teacher, prompt, sample=self.seed)


def new_is_better(pairs: Sequence[RationalePair], llm: LLM) -> list[bool]:
    """For each pair, whether the new rationale is found better."""
    requests = [pair.request(llm.teacher) for pair in pairs]
    replies = ask_until_read(llm, requests, Preference, better_of, "rationale gate")
    return [reply == ("甲" if pair.new_first else "乙") for pair, reply in zip(pairs, replies, strict=True)]


def better_of(reply: str) -> str:
    """甲 or 乙.

    Raises:
        ValueError: the reply names neither.
    """
    better = str(rows_in_reply(reply)[0].get("better", "")).strip()
    if better not in ("甲", "乙"):
        raise ValueError(f"better is '{better}', neither 甲 nor 乙")
    return better
