"""The SFT loop: shuffle, step, measure, checkpoint, export.

Role: decides which examples make which step and when to save; trains nothing itself.
Collaborators: a learner handle (``SftLearner``; ``actors.learner.group`` in production), ``Checkpoints``.
Invariants: the order of examples depends on the seed and the epoch alone, so a run that goes on from a
checkpoint sees the same steps, and on CPU has the same losses, as one that was never cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from psyche_rl.config.sft import SftConfig
from psyche_rl.errors import DataError
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.loops.checkpoints import Checkpoints, SavesState
from psyche_rl.loops.held_out import DEV_LOSS, HeldOut
from psyche_rl.stop import StopRequest

Metrics = dict[str, float]


class SftLearner(SavesState, Protocol):
    """What the loop asks of a learner."""

    def sft_step(self, sequences: Sequence[SftSequence]) -> Metrics: ...

    def logprobs(self, sequences: Sequence[SftSequence]) -> list[np.ndarray]: ...


@dataclass(frozen=True)
class SftSettings:
    """One SFT run. ``saves`` checkpoints are spread evenly over its steps (0: none)."""

    lr: float
    batch_size: int
    epochs: int
    warmup_ratio: float
    seed: int
    saves: int = 4

    @classmethod
    def from_config(cls, config: SftConfig, seed: int) -> SftSettings:
        """The settings of the ``sft`` stage."""
        return cls(config.lr, config.batch_size, config.epochs, config.warmup_ratio, seed)

    def total_steps(self, examples: int) -> int:
        """Optimizer steps; an epoch's last batch may be smaller."""
        return -(-examples // self.batch_size) * self.epochs

    def optim(self, examples: int) -> OptimSettings:
        """Cosine with warm-up over the whole run (paper section 4.1)."""
        total = self.total_steps(examples)
        return OptimSettings(self.lr, "cosine", total, round(total * self.warmup_ratio))

    def saves_after(self, steps_done: int, total: int) -> bool:
        """Whether to checkpoint now; never at the very end, where the export follows."""
        every = -(-total // (self.saves + 1))
        return self.saves > 0 and steps_done % every == 0 and steps_done < total


def batch_of(step: int, examples: int, settings: SftSettings) -> np.ndarray:
    """Indices of the examples of the ``step``-th optimizer step (from 0)."""
    per_epoch = -(-examples // settings.batch_size)
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([settings.seed, epoch]).permutation(examples)
    return order[place * settings.batch_size : (place + 1) * settings.batch_size]


def train(
    learner: SftLearner,
    sequences: Sequence[SftSequence],
    settings: SftSettings,
    on_step: Callable[[Metrics], None],
    checkpoints: Checkpoints | None = None,
    on_resume: Callable[[int], None] | None = None,
    stop: StopRequest | None = None,
    held_out: HeldOut | None = None,
) -> None:
    """Run all steps that are left, or until the held-out loss says that more have no use.

    Where ``checkpoints`` keep the best, the learner ends with the weights of the best held-out loss.

    Args:
        on_step: gets step (from 1), epoch, examples and the learner's metrics, after each step.
        checkpoints: where to save and to go on from; None for neither.
        on_resume: called with the number of steps already done, 0 where there is no checkpoint.
        stop: asked before each step; a checkpoint is saved before the loop ends.
        held_out: examples whose loss is in the metrics of the steps after which it is due.

    Raises:
        Stopped: ``stop`` was requested.
        DataError: there is nothing to train on.
    """
    if not sequences:
        raise DataError("SFT has no examples; look at the counts of the select stage and its quarantine")
    total = settings.total_steps(len(sequences))
    done = checkpoints.restore(learner) if checkpoints else 0
    if on_resume:
        on_resume(done)
    stop = stop or StopRequest()
    with stop.heeding(), checkpoints.finishing() if checkpoints else nullcontext():
        for step in range(done, total):
            if stop.requested:
                if checkpoints and stop.may_save:
                    checkpoints.save_now(step, learner)
                raise stop.leave(f"after step {step} of {total}")
            chosen = batch_of(step, len(sequences), settings)
            metrics = learner.sft_step([sequences[i] for i in chosen])
            epoch = (step + 1) * settings.epochs / total
            dev = held_out.measure(learner) if held_out and held_out.due(step + 1, total) else None
            measured = {} if dev is None else {DEV_LOSS: dev}
            row = {"step": step + 1, "epoch": round(epoch, 4), "examples": len(chosen)}
            on_step({**row, **metrics, **measured})
            value = None if dev is None else -dev
            if checkpoints and value is not None and checkpoints.would_be_best(value):
                checkpoints.save(step + 1, learner, value)
            elif checkpoints and settings.saves_after(step + 1, total):
                checkpoints.save(step + 1, learner)
            if held_out and held_out.is_exhausted:
                break
    if checkpoints and held_out:
        checkpoints.load_best(learner)
