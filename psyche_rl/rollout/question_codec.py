"""Between questions and token ids: prompts out, reward samples back.

Collaborators: the policy's tokenizer and ``questions.render``; used by the GRPO loop, its exam probe and the
evaluation.
Invariant: a reply is read whole. Where the chat template writes the tag that opens the think block, the
policy does not, so the tag is put back before a reply is scored, graded or recorded: without it a draft that
is cut off would pass for an answer, and no reply would have the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.questions.render import encode_question, opened_think, question_text
from psyche_rl.records import GenerationRequest, Question, Sample
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
            stop_token_ids=(int(self.tokenizer.eos_token_id),),
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
            stem=question.stem,
            **reply,
        )

    def text(self, ids: Sequence[int]) -> str:
        """Response text without special tokens, from the opening of its think block on."""
        return self.opened + str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
