"""GRPO in asynchronous mode: take -> weigh -> train -> publish -> evaluate -> save, beside generation.

Role: the story of a training run with ``grpo.staleness`` above 0; ``grpo_steps`` has the verbs, and the
``producer`` generates and scores meanwhile.
Invariants:
- A sample is trained on at most ``grpo.staleness`` versions after its oldest token; the learner waits rather
  than drop one.
- The learner begins on a part of a step, and its weights move when it has all; what a step is made of and
  what its loss is divided by are those of the whole.
- A benchmark is measured at one version, beside the step that follows (``evaluations``).
- What is stale is weighed by truncated importance sampling (``grpo.rollout_is``).
- A run that is resumed asks again what was under way at its checkpoint, so no question is lost.
- Where the data have nothing left to teach, the run ends with that verdict, and is whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.config.training_evaluation import BENCH
from psyche_rl.fleet.refill import NothingLeftToTeach
from psyche_rl.loops.clock import PhaseClock
from psyche_rl.loops.grpo_steps import GrpoSteps, Metrics
from psyche_rl.loops.producer import Producer
from psyche_rl.loops.prompt_states import PromptStates
from psyche_rl.loops.protocols import StreamedRollouts
from psyche_rl.loops.step_batch import StepBatch
from psyche_rl.loops.step_metrics import rollout_metrics
from psyche_rl.loops.step_training import part_size


@dataclass(kw_only=True)
class AsyncGrpo(GrpoSteps):
    """:meth:`run` is the run."""

    rollouts: StreamedRollouts
    producer: Producer
    prompt_states: PromptStates

    def run(self) -> Metrics:
        """Train to ``total_steps``, from the last checkpoint if there is one; returns the last metrics."""
        done = self.resume()
        self.publish(done)
        last = self.first_row(done)
        self.producer.begin(done, self.prompt_states.at(done))
        try:
            with self.stop.heeding(), self.checkpoints.finishing():
                for step in range(done, self.total_steps):
                    if (metrics := self.step(step)) is None:
                        break
                    last = metrics
        finally:
            self.producer.end()
        return last

    def step(self, step: int) -> Metrics | None:
        """One step; returns its metrics, or None where nothing is left to teach."""
        clock, training, parts = PhaseClock(), self.training(step), list[StepBatch]()
        while not parts or self.producer.collecting:
            with clock("wait"):
                groups = self.producer.take(self.stop, part_size(self.config))
            self.heed_stop(step)
            if isinstance(groups, NothingLeftToTeach):
                self.end_early(step, groups)
                return None
            if not groups:
                break  # the last group that was waited for has left: the step is a short one
            reference = self.ask_reference(step, [group.rollout for group in groups])
            batch = self.weigh(groups, sum(part.groups for part in parts))
            with clock("reference"):
                parts.append(self.add_reference(batch, reference))
            self.heed_stop(step)
            with clock("train"):
                training.add(parts[-1])
        with clock("train"):
            trained = training.finish()
        self.producer.trained()
        landed = self.evaluations.ended()
        with clock("publish"):
            self.publish(step + 1)
        self.producer.served(step + 1)
        batch = StepBatch.joined(parts)
        metrics = {**rollout_metrics(batch, step), **trained, **clock.metrics(batch.tokens)}
        metrics |= {**self.rollouts.metrics(), **self.producer.metrics()}
        metrics |= landed | self.evaluate(step + 1)
        self.save(step + 1, batch, metrics, clock)
        return metrics

    def evaluate(self, done: int) -> Metrics:
        """Benchmarks are measured beside the next step, and told with it; not where the best checkpoint goes
        by one, which must be that of the weights at hand, nor before the first step and after the last."""
        at_once = self.config.best_metric.startswith(BENCH) or done in (0, self.total_steps)
        if at_once:
            return super().evaluate(done)
        self.evaluations.begin(self.rollouts, done)
        return self.measure_dev(done)

    def close_books(self, done: int) -> None:
        """The step's books, and what is under way beside it."""
        self.prompt_states.keep(done, self.producer.step_ended(done))
