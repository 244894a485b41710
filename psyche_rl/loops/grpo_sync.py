"""GRPO in sync mode: generate -> score -> weigh -> train -> publish -> evaluate -> save.

Role: the story of a training run with ``grpo.staleness`` 0; ``grpo_steps`` has the verbs.
Invariants:
- Every sample of a step is generated at that step's version.
- What a step asks, samples and trains on depends on seed, step and weights alone, so a run resumed from a
  checkpoint goes on bit for bit as if it had never stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.loops.clock import PhaseClock
from psyche_rl.loops.grpo_steps import GrpoSteps, Metrics
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.loops.protocols import RestingRollouts
from psyche_rl.loops.step_batch import Rollout
from psyche_rl.loops.step_metrics import rollout_metrics
from psyche_rl.rollout.sampling import Sampling


@dataclass(kw_only=True)
class SyncGrpo(GrpoSteps):
    """:meth:`run` is the run."""

    rollouts: RestingRollouts
    prompts: PromptSchedule

    def run(self) -> Metrics:
        """Train to ``total_steps``, from the last checkpoint if there is one; returns the last metrics."""
        done = self.resume()
        self.publish(done)
        last = self.first_row(done)
        with self.stop.heeding(), self.checkpoints.finishing():
            for step in range(done, self.total_steps):
                last = self.step(step)
        return last

    def step(self, step: int) -> Metrics:
        """One step; returns its metrics."""
        clock = PhaseClock()
        self.heed_stop(step)
        with clock("generate"):
            rollouts = self.generate(step)
        self.heed_stop(step)
        reference = self.ask_reference(step, rollouts)
        with clock("score"):
            batch = self.score(step, rollouts)
        self.heed_stop(step)
        with clock("reference"):
            batch = self.add_reference(batch, reference)
        self.heed_stop(step)
        with clock("train"):
            trained = self.train(step, batch)
        with clock("publish"):
            self.publish(step + 1)
        metrics = {**rollout_metrics(batch), **trained, **clock.metrics(batch.tokens)}
        metrics |= self.evaluate(step + 1)
        self.save(step + 1, batch, metrics)
        return metrics

    def generate(self, step: int) -> list[Rollout]:
        """One group of samples for each prompt of the step."""
        questions = self.prompts.at(step)
        requests = [
            self.codec.request(q, f"{step}/{i}", self.config.group_size, Sampling.of(self.config), self.seed)
            for i, q in enumerate(questions)
        ]
        self.ledger.issued(requests, version=step)
        groups = self.rollouts.generate(requests, version=step)
        self.rollouts.rest()
        self.ledger.generated((sample for group in groups for sample in group), worker="pool")
        asked = zip(questions, groups, requests, strict=True)
        return [Rollout(question, tuple(samples), request) for question, samples, request in asked]
