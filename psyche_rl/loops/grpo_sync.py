"""GRPO in sync mode: generate -> score -> weigh -> train -> publish -> evaluate -> save.

Role: the story of a training run with ``grpo.staleness`` 0; ``grpo_steps`` has the verbs. With
``grpo.dynamic_sampling`` the ``rounds`` generate and score until the step is full.
Invariants:
- Every sample of a step is generated at that step's version.
- What a step asks, samples and trains on depends on seed, step and weights alone (with dynamic sampling also
  on how many questions the steps before used up, which is kept), so a run resumed from a checkpoint goes on
  bit for bit as if it had never stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.fleet.refill import NothingLeftToTeach
from psyche_rl.loops.clock import PhaseClock
from psyche_rl.loops.grpo_steps import GrpoSteps, Logprobs, Metrics
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.loops.prompt_states import PromptStates
from psyche_rl.loops.protocols import RestingRollouts
from psyche_rl.loops.refill_rounds import RefillRounds
from psyche_rl.loops.step_batch import Rollout, StepBatch
from psyche_rl.loops.step_metrics import rollout_metrics
from psyche_rl.rollout.sampling import Sampling


@dataclass(kw_only=True)
class SyncGrpo(GrpoSteps):
    """:meth:`run` is the run. ``rounds`` and ``prompt_states`` with dynamic sampling only."""

    rollouts: RestingRollouts
    prompts: PromptSchedule
    rounds: RefillRounds | None = None
    prompt_states: PromptStates | None = None

    def run(self) -> Metrics:
        """Train to ``total_steps``, from the last checkpoint if there is one; returns the last metrics."""
        done = self.resume()
        self.publish(done)
        last = self.first_row(done)
        if self.rounds is not None and self.prompt_states is not None:
            self.rounds.begin(done, self.prompt_states.at(done))
        with self.stop.heeding(), self.checkpoints.finishing():
            for step in range(done, self.total_steps):
                if (metrics := self.step(step)) is None:
                    break
                last = metrics
        return last

    def step(self, step: int) -> Metrics | None:
        """One step; returns its metrics, or None where nothing is left to teach."""
        clock = PhaseClock()
        self.heed_stop(step)
        sampled = self.sample(step, clock) if self.rounds is None else self.refill(step, clock, self.rounds)
        if isinstance(sampled, NothingLeftToTeach):
            self.end_early(step, sampled)
            return None
        batch, reference = sampled
        self.heed_stop(step)
        with clock("reference"):
            batch = self.add_reference(batch, reference)
        self.heed_stop(step)
        with clock("train"):
            trained = self.train(step, batch)
        with clock("publish"):
            self.publish(step + 1)
        metrics = {**rollout_metrics(batch), **trained, **clock.metrics(batch.tokens)}
        metrics |= self.rounds.metrics() if self.rounds is not None else {}
        metrics |= self.evaluate(step + 1)
        self.save(step + 1, batch, metrics, clock)
        return metrics

    def sample(self, step: int, clock: PhaseClock) -> tuple[StepBatch, Logprobs | None]:
        """A group for each prompt of the step, scored while the reference computes."""
        with clock("generate"):
            rollouts = self.generate(step)
        self.heed_stop(step)
        reference = self.ask_reference(step, rollouts)
        with clock("score"):
            return self.score(step, rollouts), reference

    def refill(
        self, step: int, clock: PhaseClock, rounds: RefillRounds
    ) -> tuple[StepBatch, Logprobs | None] | NothingLeftToTeach:
        """As many groups that can be learned from; the reference sees no other."""
        groups = rounds.collect(step, clock, self.heed_stop)
        self.rollouts.rest()
        if isinstance(groups, NothingLeftToTeach):
            return groups
        reference = self.ask_reference(step, [group.rollout for group in groups])
        return self.weigh(groups), reference

    def generate(self, step: int) -> list[Rollout]:
        """One group of samples for each prompt of the step."""
        questions = self.prompts.at(step)
        requests = [
            self.codec.request(q, f"{step}/{i}", self.config.group_size, Sampling.of(self.config), self.seed)
            for i, q in enumerate(questions)
        ]
        self.ledger.issued(requests, version=step)
        groups = self.rollouts.generate(requests, version=step, counted=True)
        self.rollouts.rest()
        asked = zip(questions, groups, requests, strict=True)
        return [Rollout(question, tuple(samples), request) for question, samples, request in asked]

    def close_books(self, done: int) -> None:
        """Every group of the step has ended."""
        if self.rounds is None or self.prompt_states is None:
            super().close_books(done)
        else:
            self.prompt_states.keep(done, self.rounds.step_ended(done))
