"""The training of one step, from its groups to the moved weights.

Role: what may be done before the weights move is done as groups come (:meth:`StepTraining.add`, in sync mode
once, with all of them): the gradient of the first mini-batch, and the old log-probabilities of the others,
which are trained on when the weights have moved. :meth:`StepTraining.finish` takes the optimizer steps.
Collaborators: ``grpo_steps`` makes one for each step; the learner adds up the parts of a mini-batch.
Invariants:
- The gradient and the order of mini-batches do not depend on how the groups came, up to rounding.
- Engine and learner are compared before the first update of the step is applied.
- No pass too many: the first mini-batch has the old log-probabilities of its own training pass.
  ``grpo.bypass_mode`` (verl's) takes the engine's for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.learner.advantages import PER_GROUP
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.loops.protocols import PolicyLearner
from psyche_rl.loops.step_batch import StepBatch
from psyche_rl.loops.step_metrics import merge_metrics
from psyche_rl.loops.sync_check import SyncCheck
from psyche_rl.records import Sample
from psyche_rl.rollout.sampling import Sampling

PARTS = 8
"""In asynchronous mode a learner that has nothing to do begins when an eighth of a step is there. By the
fleet simulator this costs 1 to 2 % of the time where engines and learner are equally fast, against up to 10 %
where it waits for the whole step; smaller parts gain little, and fill micro-batches badly."""


def part_size(config: GrpoConfig) -> int:
    """Groups with which the learner may begin: an eighth of the step, or all of it where advantages are
    whitened over the whole step."""
    whole = config.prompts_per_step
    return max(1, whole // PARTS) if config.advantage in PER_GROUP else whole


@dataclass
class StepTraining:
    """Of the step that starts from weight version ``version``."""

    learner: PolicyLearner
    ledger: Ledger
    config: GrpoConfig
    version: int
    _first: int | None = None
    """Number of the mini-batch whose gradient is being gathered."""
    _gathered: list[StepBatch] = field(default_factory=list)
    _figures: dict[str, float] = field(default_factory=dict)
    _later: dict[int, list[StepBatch]] = field(default_factory=dict)
    _seen: list[tuple[Sample, np.ndarray]] = field(default_factory=list)
    """What the learner at ``version`` says of samples."""

    def __post_init__(self) -> None:
        self._objective = PolicyObjective.from_config(self.config)

    def add(self, part: StepBatch) -> None:
        """More groups of the step, in the order of their places."""
        for group, lengths in part.dropped_groups().items():
            self.ledger.ended("errored", self.version + 1, group, lengths, judged=self.config.group_size)
        minis, old = part.mini_batches(self.config), list[np.ndarray]()
        if self._first is None and minis:
            self._first = self._number(minis[0])
        now = [mini for mini in minis if self._number(mini) == self._first]
        later = [mini for mini in minis if self._number(mini) != self._first]
        if not self.config.bypass_mode:
            later, old = self._with_old(later)
            now = [mini.with_old(None) for mini in now]
        for mini in now:
            backward = self.learner.policy_backward(mini.sequences, self._objective, version=self.version)
            self._gathered.append(mini)
            self._figures = backward.metrics
            self._seen += zip(mini.samples, backward.logprobs, strict=True)
        for mini in later:
            self._later.setdefault(self._number(mini), []).append(mini)
        asked = [sample for mini in later for sample in mini.samples] if old else []
        self._seen += zip(asked, old, strict=True)

    def finish(self) -> dict[str, float]:
        """The step is whole: one optimizer step for each mini-batch; returns metrics."""
        samples, logprobs = [sample for sample, _ in self._seen], [seen for _, seen in self._seen]
        sync = SyncCheck.of(self.config).compare(samples, logprobs, self.version)
        figures = [self._update(self._gathered, self._figures)] if self._gathered else []
        for _, parts in sorted(self._later.items()):
            sequences = StepBatch.joined(parts).sequences
            backward = self.learner.policy_backward(sequences, self._objective, version=self.version)
            figures.append(self._update(parts, backward.metrics))
        return {**merge_metrics(figures), **sync}

    # -- inside ----------------------------------------------------------------------------------
    def _with_old(self, minis: list[StepBatch]) -> tuple[list[StepBatch], list[np.ndarray]]:
        sequences = [sequence for mini in minis for sequence in mini.sequences]
        if not sequences:
            return minis, []
        old = self.learner.logprobs(sequences, Sampling.of(self.config), version=self.version)
        parts = iter(old)
        return [mini.with_old([next(parts) for _ in mini.rows]) for mini in minis], old

    def _update(self, parts: list[StepBatch], figures: dict[str, float]) -> dict[str, float]:
        applied = self.learner.optimizer_step(version=self.version)
        for part in parts:
            self.ledger.trained(self.version + 1, part.scored_lengths)
        return {**figures, **applied}

    def _number(self, mini: StepBatch) -> int:
        return mini.rows[0].place // self.config.mini_batch_prompts
