"""The steps of a GRPO run that both of its loops are made of: score, weigh, train, publish, evaluate, save.

Role: holds the components of a run (``protocols.py``) and has one method for each verb of its story; the
stories are ``grpo_sync`` and ``grpo_async``. None of the components knows the loop.
Collaborator: ``step_training``, for the verb train.
Invariants:
- Weight version = number of finished steps.
- A run that is asked to stop cuts the step, or finishes it once the weights have moved, and saves a
  checkpoint.
Source: Psyche-R1 (arXiv 2508.10848) section 3.3; DeepSeekMath (arXiv 2402.03300) for GRPO.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import DataError
from psyche_rl.fleet.refill import NothingLeftToTeach
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.checkpoints import Checkpoints
from psyche_rl.loops.clock import PhaseClock
from psyche_rl.loops.error_budget import ErrorBudget
from psyche_rl.loops.evaluations import Evaluations
from psyche_rl.loops.exam_probe import ExamProbe
from psyche_rl.loops.metrics_log import MetricsLog
from psyche_rl.loops.protocols import PolicyLearner, ReferenceModel, Rollouts, Scorers
from psyche_rl.loops.rollout_rows import record_rows
from psyche_rl.loops.scored_group import ScoredGroup
from psyche_rl.loops.step_batch import Rollout, StepBatch, sequence_of, step_batch
from psyche_rl.loops.step_training import StepTraining
from psyche_rl.records import ScoredSample
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.stop import StopRequest
from psyche_rl.timeline.lane import LaneSpan

Metrics = dict[str, float]
Logprobs = Callable[[], list[np.ndarray]]
"""Those under way: the call waits for them."""


@dataclass(kw_only=True)
class GrpoSteps:
    """Everything a run is made of."""

    config: GrpoConfig
    seed: int
    total_steps: int
    codec: QuestionCodec
    rollouts: Rollouts
    scorers: Scorers
    budget: ErrorBudget
    learner: PolicyLearner
    reference: ReferenceModel | None
    probe: ExamProbe | None
    checkpoints: Checkpoints
    metrics: MetricsLog
    ledger: Ledger
    keep_rollouts: Callable[[int, list[ScoredSample]], None]
    on_step: Callable[[int, Metrics], None]
    say: Callable[..., None] = lambda *_, **__: None
    """Told in a line why the run ends early, if it does."""
    keep_lanes: Callable[[int, Sequence[LaneSpan]], None] = lambda *_: None
    """Told of each step what workers and learner did meanwhile."""
    evaluations: Evaluations = field(default_factory=Evaluations)
    stop: StopRequest = field(default_factory=StopRequest)

    def first_row(self, done: int) -> Metrics:
        """The last metrics so far; measured and noted before the first step."""
        last: Metrics = next(reversed(self.metrics.rows()), {})
        # A run cut off before its first checkpoint has the row of step 0 already.
        if done == 0 and not last and (last := self.evaluate(0)):
            self.metrics.append({"step": 0, "weight_version": 0, **last})
        return last

    def heed_stop(self, done: int) -> None:
        """End if that was asked for; the weights are those of ``done`` steps.

        Raises:
            Stopped: the run ends here; the checkpoint of the last finished step is saved.
        """
        if self.stop.requested:
            if self.stop.may_save:
                self.checkpoints.save_now(done, self.learner)
            raise self.stop.leave(f"after step {done} of {self.total_steps}")

    def resume(self) -> int:
        """Load the newest whole checkpoint; returns the number of steps it holds (0: none)."""
        done = self.checkpoints.restore(self.learner)
        self.metrics.truncate_after(done)
        self.ledger.begin(done)
        return done

    def score(self, step: int, rollouts: list[Rollout]) -> StepBatch:
        """Scores and advantages; errored samples are masked, groups left without a baseline dropped."""
        samples = [self.codec.reward_sample(r.question, s) for r in rollouts for s in r.samples]
        scores = self.scorers.score(samples, version=step)
        self.ledger.scored([s for r in rollouts for s in r.samples], scores)
        self.budget.spend(samples, scores)
        return step_batch(rollouts, samples, scores, self.config)

    def weigh(self, groups: list[ScoredGroup], first_place: int = 0) -> StepBatch:
        """Advantages from the scores that the groups came with; so many of the step came before these."""
        samples = [sample for group in groups for sample in group.samples]
        scores = [score for group in groups for score in group.scores]
        return step_batch([group.rollout for group in groups], samples, scores, self.config, first_place)

    def ask_reference(self, step: int, rollouts: list[Rollout]) -> Logprobs | None:
        """Have the reference's log-probabilities computed while the samples are scored."""
        if self.reference is None:
            return None
        sequences = [sequence_of(sample) for r in rollouts for sample in r.samples]
        return self.reference.ask(sequences, self.config.temperature, version=step)

    def add_reference(self, batch: StepBatch, logprobs: Logprobs | None) -> StepBatch:
        """The reference's log-probabilities, or the advantages that the KL to it leaves of the reward."""
        if logprobs is None:
            return batch
        if self.config.use_kl_in_reward:
            return batch.with_kl_in_reward(logprobs(), self.config)
        return batch.with_reference(logprobs())

    def train(self, step: int, batch: StepBatch) -> Metrics:
        """One optimizer step for each mini-batch; engine and learner must agree before the first is taken."""
        training = self.training(step)
        training.add(batch)
        return training.finish()

    def training(self, step: int) -> StepTraining:
        """The same for a step that comes in parts."""
        return StepTraining(self.learner, self.ledger, self.config, step)

    def publish(self, version: int) -> None:
        """Give the rollout engines the learner's weights, in memory."""
        self.rollouts.publish(self.learner.weights(version), version)

    def evaluate(self, done: int) -> Metrics:
        """Dev accuracy and benchmarks, where they are due."""
        return {**self.measure_dev(done), **self.evaluations.measured(self.rollouts, done)}

    def measure_dev(self, done: int) -> Metrics:
        """Dev accuracy before training, every ``eval_every`` steps, and at the end."""
        due = self.config.eval_every and (done % self.config.eval_every == 0 or done == self.total_steps)
        return self.probe.measure(self.rollouts, version=done) if self.probe and due else {}

    def end_early(self, done: int, verdict: NothingLeftToTeach) -> None:
        """Save, and say why.

        Raises:
            DataError: not one step was taken.
        """
        if done == 0:
            raise DataError(f"grpo: {verdict}")
        self.say("grpo: nothing left to teach", after_step=done, why=str(verdict))
        self.checkpoints.save_now(done, self.learner)

    def close_books(self, done: int) -> None:
        """Every group of the step has ended."""
        self.ledger.step_ended(done)

    def save(self, done: int, batch: StepBatch, metrics: Metrics, clock: PhaseClock) -> None:
        """Rollouts, books, metrics and lanes each step; a checkpoint every ``save_every`` steps, at the end
        and when it is the best so far."""
        self.keep_lanes(done, [*self.rollouts.lanes(), *clock.lane()])
        self.keep_rollouts(done, record_rows(done, batch))
        self.close_books(done)
        self.metrics.append({"step": done, "weight_version": done - 1, **metrics})
        due, value = done % self.config.save_every == 0 or done == self.total_steps, self._worth(metrics)
        if due or self.checkpoints.would_be_best(value):
            self.checkpoints.save(done, self.learner, value)
        self.on_step(done, metrics)

    def _worth(self, metrics: Metrics) -> float | None:
        """By which the best checkpoint is the best, where it was measured."""
        return metrics.get(self.config.best_metric)
