"""How often a step's groups are replaced when there is nothing to learn from them.

Role: the cap of dynamic sampling (DAPO, arXiv 2503.14476, section 3.2), used by ``admission``.
Invariants:

- While the learner waits for a step, no group is replaced any more once ``(gen_batches - 1) * P`` were. With
  a staleness of 0 this is at most ``gen_batches * P`` groups generated for a step, which is verl's
  ``max_num_gen_batches``.
- Groups that fail while the learner is still at a step count for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NothingLeftToTeach:
    """The verdict that ends a run: the cap is reached, and too few groups of the step can be learned from."""

    step: int
    found: int
    """Groups that could be learned from."""
    filtered: int
    """Groups without variance: every sample had the same reward."""
    errored: int
    """Groups with too few scores."""

    def __str__(self) -> str:
        tried = self.found + self.filtered + self.errored
        return (
            f"step {self.step}: of {tried} groups {self.filtered} had no variance in their rewards and "
            f"{self.errored} too few scores, {self.found} can be learned from; "
            "use harder questions, a higher temperature or larger groups"
        )


class Refill:
    """Counts the groups that left without having been learned from, since the last step was full."""

    def __init__(self, prompts: int, gen_batches: int) -> None:
        if gen_batches < 1:
            raise ValueError(f"gen_batches={gen_batches}: a step takes at least one batch")
        self._cap = (gen_batches - 1) * prompts
        self.filtered = self.errored = 0

    @property
    def spent(self) -> bool:
        """Whether no group is replaced any more."""
        return self.filtered + self.errored > self._cap

    def restart(self) -> None:
        """A step is full; what fails from now on counts for the next one."""
        self.filtered = self.errored = 0
