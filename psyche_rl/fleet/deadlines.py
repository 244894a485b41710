"""Whether every group that is under way can still be consumed in time.

Role: the arithmetic of the staleness bound, used by ``admission``.

Symbols:

- P: groups in a step; S: the bound on staleness, in versions; T: steps of the run.
- c: finished optimizer steps, which is also the version that the step being collected starts from.
- taken: groups already taken for that step.
- A group of birth b has the deadline b + S, the last step that may consume it.

Invariant, for every k >= 0: the groups with a deadline of at most c + k are no more than the places left in
the steps c to c + k, which are ``min(k + 1, T - c) * P - taken``. By Hall's theorem for deadlines this is
exactly the condition under which a schedule consumes all of them in time, and oldest first is one.
"""

from __future__ import annotations

from collections import Counter


class Deadlines:
    """Counts of outstanding groups by deadline. ``steps`` is T, None for a run without a known end."""

    def __init__(self, prompts: int, staleness: int, steps: int | None) -> None:
        self.prompts, self.staleness, self._steps = prompts, staleness, steps
        self._due: Counter[int] = Counter()

    def add(self, birth: int) -> None:
        """A group of this birth is outstanding."""
        self._due[birth + self.staleness] += 1

    def remove(self, birth: int) -> None:
        """It is not any more."""
        deadline = birth + self.staleness
        self._due[deadline] -= 1
        if not self._due[deadline]:
            del self._due[deadline]

    def room(self, birth: int, step: int, taken: int) -> int:
        """Groups of this birth that fit beside those outstanding, never below 0."""
        first = birth + self.staleness - step
        if first < 0:
            return 0
        # Beyond the youngest possible deadline places only grow, so that is as far as there is to look.
        return max(0, min(self._free(k, step, taken) for k in range(first, self.staleness + 1)))

    def may_take(self, birth: int, step: int, taken: int) -> bool:
        """Whether a group of this birth may have a place in the step: those due before keep theirs."""
        before = range(birth + self.staleness - step)
        return all(self._free(k, step, taken) > 0 for k in before)

    def _free(self, k: int, step: int, taken: int) -> int:
        """Places left in the steps ``step`` to ``step + k`` by the groups that are due in them."""
        steps = k + 1 if self._steps is None else min(k + 1, self._steps - step)
        return steps * self.prompts - taken - sum(n for due, n in self._due.items() if due <= step + k)
