"""What calls that have not been made would take. Pure; nothing is sent.

An estimate, not a bound: prompts are counted by a rule of thumb instead of the model's tokenizer, replies
by what such replies usually take, and every row is taken to come through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm.usage import FREE, Usage, cost_of

ASCII_PER_TOKEN = 4.0
OTHERS_PER_TOKEN = 1.4
"""Characters per token of Chinese text: about 1.4 with the tokenizers of Qwen2.5 and its like."""


@dataclass(frozen=True, slots=True)
class PlannedCalls:
    """Calls of one kind: how many, and tokens of one prompt and one reply on average."""

    stage: str
    calls: int
    prompt_tokens: float
    reply_tokens: float


def rough_tokens(text: str) -> float:
    """The tokens of a text by its characters."""
    plain = sum(character < "\x80" for character in text)
    return plain / ASCII_PER_TOKEN + (len(text) - plain) / OTHERS_PER_TOKEN


def estimate(planned: Sequence[PlannedCalls], teacher: TeacherConfig) -> list[Usage]:
    """Tokens and cost of each kind of call, at the price of the first endpoint's model."""
    model = teacher.servers()[0].model or teacher.model
    price, rows = teacher.prices.get(model, FREE), []
    for kind in planned:
        prompt = round(kind.calls * kind.prompt_tokens)
        reply = round(kind.calls * min(kind.reply_tokens, teacher.max_tokens))
        cost = cost_of(price, prompt, reply)
        rows.append(Usage(kind.stage, model, kind.calls, 0, prompt, reply, cost))
    return rows
