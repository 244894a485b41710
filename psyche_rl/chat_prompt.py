"""A chat as a model's own template writes it, up to where the assistant begins to speak.

Role: the one way from messages to prompt tokens, for policies, selectors and engines that serve a teacher.
Collaborators: ``questions.render`` writes the messages, ``reply_decoding`` reads what comes back.
Invariant: whether the template opens the think block (DeepSeek-R1 and its distills, QwQ, Qwen3-Thinking) is
read off the rendered prompt. No list of models decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from psyche_rl.errors import ChatTemplateError
from psyche_rl.records import Message
from rewards.text.think_tags import think_tags

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTION = (Message(role="user", content="?"),)


class ChatPrompt(NamedTuple):
    """A rendered prompt; ``opened`` is its end from an open think tag on, or "" where no block is open."""

    ids: tuple[int, ...]
    text: str
    opened: str


def chat_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> ChatPrompt:
    """The prompt that asks for the next turn.

    Raises:
        ChatTemplateError: there is no template, or it refuses these turns.
    """
    chat = [message.model_dump() for message in messages]
    try:
        text = str(tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False))
    except Exception as error:  # jinja's own classes, ValueError, and whatever a template raises
        roles = ", ".join(message.role for message in messages)
        why = " ".join(str(error).split())[:160] or type(error).__name__
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        raise ChatTemplateError(f"{name}: its chat template fails for {roles}: {why}") from None
    ids = tuple(tokenizer.encode(text, add_special_tokens=False))
    return ChatPrompt(ids, text, _opened(text, messages))


def encode_chat(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> tuple[int, ...]:
    """Token ids of :func:`chat_prompt`."""
    return chat_prompt(tokenizer, messages).ids


def opened_think(tokenizer: PreTrainedTokenizerBase) -> str:
    """What :class:`ChatPrompt` says of the prompt for a question.

    Raises:
        ChatTemplateError: as :func:`chat_prompt`.
    """
    return chat_prompt(tokenizer, _QUESTION).opened


def left_out(prompt: ChatPrompt, messages: Sequence[Message]) -> Message | None:
    """The first turn that the template passes over in silence.

    Earlier turns of the assistant may lose something on purpose: reasoning templates cut their think blocks.
    """
    said = (message for message in messages if message.role != "assistant")
    return next((message for message in said if message.content.strip() not in prompt.text), None)


def _opened(text: str, messages: Sequence[Message]) -> str:
    last = max(think_tags(text), default=None)
    if last is None or last.ends or text[last.end :].strip():
        return ""
    # Where a template writes nothing before the assistant's turn, a prompt ends in the last turn's own words.
    own = messages[-1].content.rstrip() if messages else ""
    is_own = own.endswith(text[last.start : last.end]) and text[: last.end].endswith(own)
    return "" if is_own else text[last.start :]
