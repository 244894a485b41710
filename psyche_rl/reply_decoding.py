"""From the tokens of a reply to its text: the one decoder of rollouts, selection, teachers and evaluation.

Invariants:
- What ends a turn is no part of the reply, and neither is any other special token (``<|im_end|>``, padding).
- Think tags are, also where the tokenizer counts them among its special tokens, as distills of reasoning
  models do: ``skip_special_tokens`` alone would strip them.
- A reply is read whole. The tag with which the chat template opened the block is put back before it. Without
  it a draft that is cut off would pass for an answer, and no reply would have the format.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rewards.text.think_tags import THINK_TAG

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ReplyDecoder:
    """Reads replies with one tokenizer.

    Args:
        stops: tokens that end a turn, which need not be special ones.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Collection[int] = ()) -> None:
        self._tokenizer = tokenizer
        special = _special_tokens(tokenizer)
        tags = {token for token, text in special.items() if THINK_TAG.fullmatch(text.strip())}
        self._keeps_tags = bool(tags)
        self._unsaid = frozenset(stops) - tags
        if tags:
            self._unsaid |= special.keys() - tags

    def text(self, ids: Sequence[int], opened: str = "") -> str:
        """The reply's text, from ``opened`` (see ``ChatPrompt``) on."""
        said = [token for token in ids if token not in self._unsaid]
        return opened + str(self._tokenizer.decode(said, skip_special_tokens=not self._keeps_tags))


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Id -> text of all that ``skip_special_tokens`` skips."""
    added = {token: str(each) for token, each in tokenizer.added_tokens_decoder.items() if each.special}
    return added | dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
