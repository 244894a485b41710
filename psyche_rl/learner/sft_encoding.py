"""From chats to imitate to token sequences; what does not fit is set aside with its reason.

Collaborators: ``chat_prompt`` writes the turns before the reply, as it does for the engines.
Invariant: a reply goes on where the prompt ends, so that what is trained is what is sampled later. Where the
chat template opens the think block, the reply's own opening tag is left out. A reply without a think block
(an empathetic one) closes the block first, else the policy would learn to answer inside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psyche_rl.chat_prompt import chat_prompt, left_out, opened_think
from psyche_rl.errors import ChatTemplateError, ModelError
from psyche_rl.learner.encoded_examples import EncodedExamples
from psyche_rl.records import Message, Quarantined, SftExample
from rewards.text.think_tags import CLOSE, think_tags

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, examples: Iterable[SftExample], max_tokens: int, source: str
) -> tuple[EncodedExamples, list[Quarantined]]:
    """Prompt up to the assistant's turn, then the reply and the end-of-text token, on the disk.

    Args:
        max_tokens: longer examples are set aside, not cut: a reply without its end teaches not to stop.
        source: the file the examples stand in, for the quarantine.

    Raises:
        ModelError: the tokenizer has no end-of-text token, or no chat template that takes a question.
    """
    end = tokenizer.eos_token_id
    if not isinstance(end, int):
        raise ModelError(f"{tokenizer.name_or_path}: the tokenizer has no eos_token; set one")
    opened_think(tokenizer)  # a template that refuses all rows is the model's fault, and no row's
    kept = EncodedExamples(source)
    left: list[Quarantined] = []
    for row, example in enumerate(examples):
        try:
            ids, prompt_length = _encoded(tokenizer, example, end)
            if len(ids) > max_tokens:
                raise _UnfitError(f"{len(ids)} tokens, more than {max_tokens}")
        except (_UnfitError, ChatTemplateError) as unfit:
            content = example.model_dump_json()
            left.append(Quarantined(stage="sft", source=source, row=row, reason=str(unfit), content=content))
        else:
            kept.add(ids, prompt_length, row)
    return kept, left


class _UnfitError(Exception):
    """Why a row is set aside."""


def _encoded(tokenizer: PreTrainedTokenizerBase, example: SftExample, end: int) -> tuple[list[int], int]:
    """All tokens, and how many of them are the prompt's."""
    *before, last = example.messages
    if not before or last.role != "assistant":
        raise _UnfitError("no prompt followed by an assistant message")
    if before[0].role == "assistant":
        raise _UnfitError("it begins with the assistant's turn, which no prompt does")
    prompt = chat_prompt(tokenizer, before)
    if (lost := left_out(prompt, before)) is not None:
        raise _UnfitError(f"the chat template leaves out its {lost.role} turn")
    reply = tokenizer.encode(going_on(last, prompt.opened), add_special_tokens=False)
    return [*prompt.ids, *reply, end], len(prompt.ids)


def going_on(reply: Message, opened: str) -> str:
    """What of a reply follows a prompt that ends in ``opened`` (see ``ChatPrompt``)."""
    if not opened:
        return reply.content
    if reply.content.startswith(opened):
        return reply.content[len(opened) :]
    first = next(think_tags(reply.content), None)
    if first is None:  # as the templates of reasoning models write a reply without thoughts
        return ("\n" if opened.endswith("\n") else "\n\n") + f"{CLOSE}\n\n{reply.content}"
    begins = not first.ends and not reply.content[: first.start].strip()
    return reply.content[first.end :] if begins else reply.content
