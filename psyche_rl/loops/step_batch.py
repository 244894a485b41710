"""One GRPO step's data on its way from samples to sequences to train on.

Pure.
Invariants:
- Rows keep the order of prompts and samples.
- A sample whose scorer failed has no reward, no advantage and no part in its group's baseline.
- A group left with fewer rewards than ``grpo.reward.min_scores`` is dropped and counted.
- A reply that is masked for being cut off has a reward and a part in the baseline, but none in the loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.learner.advantages import group_advantages, token_advantages
from psyche_rl.learner.sequence import PolicySequence, response_length
from psyche_rl.loops.step_rewards import kl_penalties, per_token, punished
from psyche_rl.records import GenerationRequest, Question, Sample
from rewards import RewardSample, Score


@dataclass(frozen=True)
class Rollout:
    """A question and the group of samples drawn for it."""

    question: Question
    samples: tuple[Sample, ...]
    request: GenerationRequest | None = None
    """What the samples were asked for by; rows tell the sampling settings from it."""


@dataclass(frozen=True)
class SampledRow:
    """One sample with all that became of it."""

    place: int
    """Index of its prompt in the step: names the group."""
    question: Question
    sample: Sample
    response: str
    score: Score
    advantage: float | None
    """Mean over the tokens; None where the sample has no part in its group."""
    sequence: PolicySequence
    request: GenerationRequest | None = None
    kl_penalty: float | None = None
    """What the KL to the reference took off the reward; None where it is no part of the reward."""

    def with_advantages(self, advantages: np.ndarray | None, kl_penalty: float) -> SampledRow:
        """The row with another advantage for each token; its mask stays."""
        if advantages is None:
            return self
        sequence = replace(self.sequence, advantages=advantages.astype(np.float32))
        return replace(self, sequence=sequence, advantage=float(advantages.mean()), kl_penalty=kl_penalty)


@dataclass(frozen=True)
class StepBatch:
    """All rows of a step, group by group."""

    rows: tuple[SampledRow, ...]

    @classmethod
    def joined(cls, parts: Iterable[StepBatch]) -> StepBatch:
        """All their rows, in this order."""
        return cls(tuple(row for part in parts for row in part.rows))

    @cached_property
    def sequences(self) -> list[PolicySequence]:
        """What the learner sees, one per row."""
        return [row.sequence for row in self.rows]

    @cached_property
    def samples(self) -> list[Sample]:
        """What the engines produced, one per row."""
        return [row.sample for row in self.rows]

    @property
    def groups(self) -> int:
        """How many groups the rows are of."""
        return len({row.place for row in self.rows})

    @property
    def tokens(self) -> int:
        """Response tokens of the step."""
        return sum(len(s.response_ids) for s in self.samples)

    def with_reference(self, logprobs: Sequence[np.ndarray]) -> StepBatch:
        """The batch with the reference's log-probabilities [response] of each row."""
        return self._with_sequences(
            replace(s, reference_logprobs=p) for s, p in zip(self.sequences, logprobs, strict=True)
        )

    def with_old(self, logprobs: Sequence[np.ndarray] | None) -> StepBatch:
        """The batch with these old log-probabilities; None for those that its training pass will see."""
        given = logprobs if logprobs is not None else [None] * len(self.rows)
        return self._with_sequences(
            replace(s, old_logprobs=p) for s, p in zip(self.sequences, given, strict=True)
        )

    def _with_sequences(self, sequences: Iterable[PolicySequence]) -> StepBatch:
        changed = zip(self.rows, sequences, strict=True)
        return StepBatch(tuple(replace(row, sequence=sequence) for row, sequence in changed))

    def with_kl_in_reward(
        self,
        reference: Sequence[np.ndarray],
        config: GrpoConfig,
        policy: Sequence[np.ndarray] | None = None,
    ) -> StepBatch:
        """The batch with ``kl_coef`` x KL taken off the reward of each token, and advantages from that.

        Call it once, between scores and training, where ``config.use_kl_in_reward`` is set (verl's
        ``apply_kl_penalty``); samples that had no advantage stay without.

        Args:
            reference: log-probabilities [response] of each row under the reference model.
            policy: the same under the policy that sampled; the engines' own unless given.
        """
        if policy is None:
            policy = [np.asarray(sample.logprobs) for sample in self.samples]
        penalties = kl_penalties(policy, reference, config)
        scored = [None if row.advantage is None else row.score.value for row in self.rows]
        advantages = token_advantages(
            [None if v is None else per_token(v, p) for v, p in zip(scored, penalties, strict=True)],
            [row.place for row in self.rows],
            config.advantage,
            config.normalize_advantage_by_std,
        )
        changed = zip(self.rows, advantages, penalties, strict=True)
        return StepBatch(tuple(row.with_advantages(a, float(p.sum())) for row, a, p in changed))

    def mini_batches(self, config: GrpoConfig) -> list[StepBatch]:
        """``mini_batch_prompts`` prompts at a time, without groups that have no advantage; none is empty."""
        cut = []
        for first in range(0, config.prompts_per_step, config.mini_batch_prompts):
            places = set(range(first, first + config.mini_batch_prompts)) - self.dropped
            cut.append(StepBatch(tuple(row for row in self.rows if row.place in places)))
        return [batch for batch in cut if batch.rows]

    @cached_property
    def dropped(self) -> frozenset[int]:
        """Places of groups in which no sample has an advantage."""
        return frozenset(
            {r.place for r in self.rows} - {r.place for r in self.rows if r.advantage is not None}
        )

    @property
    def scored_lengths(self) -> list[tuple[str, int]]:
        """Sample ids and response tokens, as the learner gets them, of the samples that have a score."""
        scored = (row for row in self.rows if row.score.value is not None)
        return [(row.sample.id, response_length(row.sequence)) for row in scored]

    def dropped_groups(self) -> dict[str, list[tuple[str, int]]]:
        """Group id -> ``scored_lengths`` of its samples, of the groups that are not trained on."""
        of = {place: tuple(row for row in self.rows if row.place == place) for place in self.dropped}
        return {rows[0].sample.request_id: StepBatch(rows).scored_lengths for rows in of.values()}


def step_batch(
    rollouts: Sequence[Rollout],
    samples: Sequence[RewardSample],
    scores: Sequence[Score],
    config: GrpoConfig,
    first_place: int = 0,
) -> StepBatch:
    """Join samples, scores and the advantages computed from them (verl's estimator).

    Args:
        first_place: groups of the step that came before these.
    """
    flat = [(place, r, s) for place, r in enumerate(rollouts, first_place) for s in r.samples]
    scores = [
        punished(score, len(sample.response_ids), given, config)
        for score, given, (_, _, sample) in zip(scores, samples, flat, strict=True)
    ]
    scored = Counter(
        place for (place, _, _), score in zip(flat, scores, strict=True) if score.value is not None
    )
    enough = [scored[place] >= config.reward.min_scores for place, _, _ in flat]
    advantages = group_advantages(
        rewards=[score.value if whole else None for score, whole in zip(scores, enough, strict=True)],
        groups=[place for place, _, _ in flat],
        response_lengths=[len(sample.response_ids) for _, _, sample in flat],
        estimator=config.advantage,
        normalize_by_std=config.normalize_advantage_by_std,
    )
    return StepBatch(
        tuple(
            SampledRow(
                place=place,
                question=rollout.question,
                sample=sample,
                response=samples[i].response,
                score=scores[i],
                advantage=advantages[i],
                sequence=_sequence(
                    sample, advantages[i], config, f"group {place} (question {rollout.question.id})"
                ),
                request=rollout.request,
            )
            for i, (place, rollout, sample) in enumerate(flat)
        )
    )


def sequence_of(sample: Sample, advantage: float | None = None, name: str = "a group") -> PolicySequence:
    """What models see of a sample."""
    return PolicySequence.of(sample.prompt_ids, sample.response_ids, sample.logprobs, advantage, name=name)


def _sequence(sample: Sample, advantage: float | None, config: GrpoConfig, name: str) -> PolicySequence:
    made = sequence_of(sample, advantage, name)
    if config.mask_truncated_completions and sample.finish_reason == "length":
        return replace(made, mask=np.zeros_like(made.mask))
    return made
