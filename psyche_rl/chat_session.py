"""A conversation with one model: its turns, and what of a reply is draft and what is said.

Collaborators: ``chat_prompt`` renders the turns, ``reply_decoding`` reads replies, think tags tell drafts;
``psyche-rl chat`` brings an engine and a terminal.
Invariants:
- Drafts are not part of the turns that a model sees again.
- A conversation that outgrows the context is told of, not cut in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from psyche_rl.chat_prompt import chat_prompt
from psyche_rl.model_folder import context_length, load_tokenizer, model_folder, stop_token_ids
from psyche_rl.records import GenerationRequest, Message, Sample
from psyche_rl.reply_decoding import ReplyDecoder
from rewards.text.think_tags import answer_start

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass
class ChatSession:
    """``draft`` is the last reply's think block, empty where there was none; lengths are tokens."""

    tokenizer: PreTrainedTokenizerBase
    stops: tuple[int, ...]
    max_tokens: int
    room: int
    system: str | None = None
    turns: list[Message] = field(default_factory=list)
    draft: str = ""
    _opened: str = ""

    @classmethod
    def of_model(cls, model: str, max_tokens: int, room: int, system: str | None = None) -> Self:
        """For the model in a folder, whose context may be shorter than ``room``.

        Raises:
            ModelError: there is no model, or no token ends a turn.
        """
        folder = model_folder(model)
        tokenizer = load_tokenizer(folder)
        stops = stop_token_ids(folder, tokenizer.eos_token_id)
        return cls(tokenizer, stops, max_tokens, context_length(folder, room), system)

    def begin(self) -> None:
        """Forget all turns."""
        self.turns, self.draft = [], ""

    def ask(self, text: str, temperature: float, seed: int) -> GenerationRequest | str:
        """What the engine is to be asked for the next turn, or why there is no room for a reply.

        Raises:
            ChatTemplateError: the template refuses these turns.
        """
        opening = [Message(role="system", content=self.system)] if self.system else []
        said = [*self.turns, Message(role="user", content=text)]
        prompt = chat_prompt(self.tokenizer, [*opening, *said])
        left = self.room - len(prompt.ids)
        if left < 1:
            return f"the conversation has {len(prompt.ids)} tokens, the context {self.room}; begin anew"
        self.turns, self._opened = said, prompt.opened
        return GenerationRequest(
            id=f"turn/{len(said)}",
            prompt_ids=prompt.ids,
            temperature=temperature,
            max_tokens=min(self.max_tokens, left),
            stop_token_ids=self.stops,
            seed=seed,
            think_opened=bool(prompt.opened),
        )

    def hear(self, sample: Sample) -> str:
        """What was said; the draft is kept apart. Nothing is said in a think block that never ends."""
        whole = ReplyDecoder(self.tokenizer, self.stops).text(sample.response_ids, self._opened)
        start = answer_start(whole)
        self.draft = whole if start is None else whole[:start]
        said = "" if start is None else whole[start:].strip()
        self.turns = [*self.turns, Message(role="assistant", content=said)]
        return said
