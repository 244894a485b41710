"""How a question is laid out as text, and a reply; one place for all stages.

- Policies see the same in selection, SFT, GRPO and evaluation, so that what is trained is what is tested.
- The teacher sees the kind by a name of its own, and never the key.
- Records and pages show it bare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psyche_rl.chat_prompt import encode_chat
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.records import LETTERS, Message, Question, QuestionKind

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KIND_NAMES: dict[QuestionKind, str] = {
    "single": "单选题",
    "multiple": "多选题",
    "case": "案例选择题",
    "short": "简答题",
}
"""What the prompts to the teacher call the kinds."""
KIND_PREFIX = {kind: f"{name}：" for kind, name in (KIND_NAMES | {"case": "案例题"}).items()}
"""What stands before the stem that a policy sees; exams call a question on a case just that."""


def laid_out(stem: str, options: Sequence[str], case: str | None = None, prefix: str = "") -> str:
    """Case, prefix and stem, then each option on a line with its letter."""
    lines = [case] if case else []
    lines.append(f"{prefix}{stem}")
    lines += [f"{letter}.{text}" for letter, text in zip(LETTERS, options, strict=False)]
    return "\n".join(lines)


def bare(question: Question) -> str:
    """The question without its kind, as records show it."""
    return laid_out(question.stem, question.options, question.case)


def shown_to_teacher(question: Question) -> str:
    """The question with its kind and without its key."""
    return laid_out(question.stem, question.options, question.case, f"{KIND_NAMES[question.kind]}：")


def question_text(question: Question, prompt: PromptConfig) -> str:
    """The user message: instruction, kind, case, stem, lettered options."""
    prefix = KIND_PREFIX[question.kind] if prompt.kind_prefix else ""
    text = laid_out(question.stem, question.options, question.case, prefix)
    return f"{prompt.instruction}\n{text}" if prompt.instruction else text


def reply_text(think: str, answer: str) -> str:
    """The paper's template: a think block, then the answer, without an answer tag."""
    return f"<think>{think}</think>答案：{answer}"


def encode_question(
    tokenizer: PreTrainedTokenizerBase, question: Question, prompt: PromptConfig
) -> tuple[int, ...]:
    """Token ids of the prompt for one question."""
    return encode_chat(tokenizer, [Message(role="user", content=question_text(question, prompt))])
