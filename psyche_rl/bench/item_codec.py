"""Between items and token ids: prompts out, replies back, with the conventions of one model folder.

Collaborators: ``chat_prompt`` and ``reply_decoding``, as in training, so that what is evaluated is what was
trained; ``QuestionCodec`` is the same for questions.
Invariants:
- A prompt that leaves no room for a reply is ``too_long``; a reply has what room the prompt leaves, up to the
  benchmark's ``max_tokens``.
- The reply is read whole, from the opening of its think block on.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.chat_prompt import encode_chat, opened_think
from psyche_rl.evaluation.item_scoring import ItemReply
from psyche_rl.model_folder import context_length, load_tokenizer, stop_token_ids
from psyche_rl.records import GenerationRequest, Message, Sample
from psyche_rl.reply_decoding import ReplyDecoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class ItemCodec:
    """Of one model. ``context``: tokens that prompt and reply may take together."""

    tokenizer: PreTrainedTokenizerBase
    context: int
    stops: tuple[int, ...]

    @classmethod
    def of_model(cls, folder: Path, room: int) -> ItemCodec:
        """The codec of a model folder, whose context may be shorter than the ``room`` that is wanted.

        Raises:
            ModelError: no token ends a turn.
            ChatTemplateError: there is no chat template.
        """
        tokenizer = load_tokenizer(folder)
        codec = cls(tokenizer, context_length(folder, room), stop_token_ids(folder, tokenizer.eos_token_id))
        _ = codec.opened  # told before anything is started
        return codec

    @cached_property
    def opened(self) -> str:
        """The tag with which the chat template opens the think block, and what follows it; else ""."""
        return opened_think(self.tokenizer)

    def request(self, ask: ItemAsk, name: str) -> GenerationRequest | ItemReply:
        """What engines are asked under ``name``, or the reply of an item without room.

        Raises:
            ChatTemplateError: the template refuses the item's turns.
        """
        prompt = self._prompt(ask)
        room = self.context - len(prompt)
        if room < 1:
            why = f"a prompt of {len(prompt)} tokens leaves no room in a context of {self.context}"
            return ItemReply("", ended="too_long", error=why, prompt_tokens=len(prompt))
        sampling = ask.sampling
        return GenerationRequest(
            id=name,
            prompt_ids=prompt,
            n=1,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=min(sampling.max_tokens, room),
            stop_token_ids=self.stops,
            # Greedy replies draw nothing, and a seed costs a kernel launch for each token.
            seed=ask.seed if sampling.temperature > 0 else None,
            think_opened=bool(self.opened),
        )

    def _prompt(self, ask: ItemAsk) -> tuple[int, ...]:
        """Rendered for the first sample of an item, and kept, packed, for its others."""
        turns, more = tuple(ask.item.messages), ask.sample + 1 < ask.sampling.samples
        kept = self._kept.get(turns) if more else self._kept.pop(turns, None)
        if kept is not None:
            return tuple(kept)
        prompt = encode_chat(self.tokenizer, turns)
        if more:
            self._kept[turns] = array("I", prompt)
        return prompt

    @cached_property
    def _kept(self) -> dict[tuple[Message, ...], array[int]]:
        return {}

    def reply(self, sample: Sample) -> ItemReply:
        """A sample's text and how it ended."""
        return ItemReply(
            self._decoder.text(sample.response_ids, self.opened),
            ended=sample.finish_reason,
            prompt_tokens=len(sample.prompt_ids),
            response_tokens=len(sample.response_ids),
        )

    @cached_property
    def _decoder(self) -> ReplyDecoder:
        return ReplyDecoder(self.tokenizer, self.stops)
