"""Between questions and token ids: prompts out, reward samples back.

Collaborators: the policy's tokenizer and ``questions.render``; used by the GRPO loop, its exam probe and the
evaluation. ``chat_prompt`` and ``reply_decoding`` know the conventions of models.
Invariant: what is scored, graded and recorded is the whole reply, from the opening of its think block on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.chat_prompt import opened_think
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.model_folder import context_length, load_tokenizer, stop_token_ids
from psyche_rl.questions.render import encode_question, question_text
from psyche_rl.records import GenerationRequest, Question, Sample
from psyche_rl.reply_decoding import ReplyDecoder
from psyche_rl.rollout.sampling import Sampling
from psyche_rl.seeded import whole_number
from rewards import RewardSample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class QuestionCodec:
    """Encodes questions and decodes replies with one tokenizer. ``max_tokens`` bounds a reply."""

    tokenizer: PreTrainedTokenizerBase
    prompt: PromptConfig
    max_tokens: int
    max_model_len: int
    stops: tuple[int, ...]
    """Tokens that end a reply."""

    @classmethod
    def of_model(cls, folder: Path, prompt: PromptConfig, max_tokens: int, room: int) -> QuestionCodec:
        """The codec of a model folder, whose context may be shorter than the ``room`` that is wanted.

        Raises:
            ModelError: no token ends a turn.
            ChatTemplateError: there is no chat template, or it refuses a question.
        """
        tokenizer = load_tokenizer(folder)
        stops = stop_token_ids(folder, tokenizer.eos_token_id)
        codec = cls(tokenizer, prompt, max_tokens, context_length(folder, room), stops)
        _ = codec.opened  # told before anything is started
        return codec

    @cached_property
    def opened(self) -> str:
        """The tag with which the chat template opens the think block, and what follows it; else ""."""
        return opened_think(self.tokenizer)

    def fits(self, question: Question) -> bool:
        """Whether prompt and longest reply fit the engine's context."""
        return self.excess(question) is None

    def excess(self, question: Question) -> str | None:
        """Why a question does not fit the engine's context, in words; None if it does."""
        prompt = len(encode_question(self.tokenizer, question, self.prompt))
        if prompt + self.max_tokens <= self.max_model_len:
            return None
        return (
            f"a prompt of {prompt} tokens and a reply of {self.max_tokens} do not fit a context of "
            f"{self.max_model_len}"
        )

    def request(
        self, question: Question, place: str, n: int, sampling: Sampling, seed: int
    ) -> GenerationRequest:
        """``n`` samples of one question; ``place`` ("step/index") makes the seed its own."""
        return GenerationRequest(
            id=place,
            prompt_ids=encode_question(self.tokenizer, question, self.prompt),
            n=n,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=self.max_tokens,
            stop_token_ids=self.stops,
            seed=whole_number(seed, place, question.id) & 0x7FFFFFFF,
            think_opened=bool(self.opened),
        )

    def reward_sample(self, question: Question, sample: Sample) -> RewardSample:
        """What the scorers see of a sample."""
        return self._rewardable(
            question,
            id=sample.id,
            response=self.text(sample.response_ids),
            truncated=sample.finish_reason == "length",
            response_tokens=len(sample.response_ids),
        )

    def unanswered(self, question: Question) -> RewardSample:
        """The question alone, for what a reward can tell before there is a reply."""
        return self._rewardable(question, id=question.id, response="")

    def _rewardable(self, question: Question, **reply: Any) -> RewardSample:
        return RewardSample(
            gold=question.gold,
            kind=question.kind,
            options=question.options,
            prompt=question_text(question, self.prompt),
            **reply,
        )

    def text(self, ids: Sequence[int]) -> str:
        """Response text without special tokens, from the opening of its think block on."""
        return self._decoder.text(ids, self.opened)

    @cached_property
    def _decoder(self) -> ReplyDecoder:
        return ReplyDecoder(self.tokenizer, self.stops)
