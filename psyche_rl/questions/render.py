"""How a question is shown to a policy and how a reply is laid out; one place for all stages.

Used by selection, SFT, GRPO and evaluation alike, so that what is trained is what is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.records import Message, Question

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KIND_PREFIX = {"single": "单选题：", "multiple": "多选题：", "case": "案例题：", "short": "简答题："}


def question_text(question: Question, prompt: PromptConfig) -> str:
    """The user message: instruction, kind, case, stem, lettered options."""
    lines = [prompt.instruction] if prompt.instruction else []
    prefix = KIND_PREFIX[question.kind] if prompt.kind_prefix else ""
    if question.case:
        lines.append(question.case)
    lines.append(f"{prefix}{question.stem}")
    lines += [f"{letter}.{text}" for letter, text in zip(question.letters, question.options, strict=True)]
    return "\n".join(lines)


def reply_text(think: str, answer: str) -> str:
    """The paper's template: a think block, then the answer, without an answer tag."""
    return f"<think>{think}</think>答案：{answer}"


def encode_chat(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> tuple[int, ...]:
    """Token ids of a chat up to where the assistant begins to speak."""
    chat = [m.model_dump() for m in messages]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return tuple(tokenizer.encode(str(text), add_special_tokens=False))


def encode_question(
    tokenizer: PreTrainedTokenizerBase, question: Question, prompt: PromptConfig
) -> tuple[int, ...]:
    """Token ids of the prompt for one question."""
    return encode_chat(tokenizer, [Message(role="user", content=question_text(question, prompt))])
