"""From chats to imitate to token sequences; what does not fit is set aside with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from psyche_rl.errors import ModelError
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.questions.render import encode_chat, opened_think
from psyche_rl.records import Quarantined, SftExample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SftExample], max_tokens: int, source: str
) -> tuple[list[SftSequence], list[Quarantined]]:
    """Prompt up to the assistant's turn, then the reply and the end-of-text token.

    A reply's own opening tag is left out where the chat template opens the think block: there the policy
    begins inside it.

    Args:
        max_tokens: longer examples are set aside, not cut: a reply without its end teaches not to stop.
        source: the file the examples stand in, for the quarantine.

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """
    end = tokenizer.eos_token_id
    if not isinstance(end, int):
        raise ModelError(f"{tokenizer.name_or_path}: the tokenizer has no eos_token; set one")
    tag = opened_think(tokenizer).strip()
    kept: list[SftSequence] = []
    left: list[Quarantined] = []
    for row, example in enumerate(examples):
        reason = _fault(example)
        if reason is None:
            prompt = encode_chat(tokenizer, example.messages[:-1])
            text = example.messages[-1].content.removeprefix(tag)
            reply = tokenizer.encode(text, add_special_tokens=False)
            tokens = len(prompt) + len(reply) + 1
            if tokens <= max_tokens:
                ids = np.asarray([*prompt, *reply, end], dtype=np.int64)
                kept.append(SftSequence(ids, len(prompt), name=f"row {row} of {source}"))
                continue
            reason = f"{tokens} tokens, more than {max_tokens}"
        left.append(
            Quarantined(stage="sft", source=source, row=row, reason=reason, content=example.model_dump_json())
        )
    return kept, left


def _fault(example: SftExample) -> str | None:
    if len(example.messages) < 2 or example.messages[-1].role != "assistant":
        return "no prompt followed by an assistant message"
    return None
