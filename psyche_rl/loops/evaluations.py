"""When benchmarks are measured during training, and how it goes on meanwhile.

Role: holds the probes and, in asynchronous mode, the measurement that runs beside the next step.
Invariants:
- A point of a curve is of one weight version: a measurement that began is ended before the next publish.
- Generation for training goes on beside it, and so does the learner, until it wants to publish.
- What a measurement raises is raised where it is ended. One that the end of a run overtakes is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from psyche_rl.loops.benchmark_probe import BenchmarkProbe
from psyche_rl.loops.protocols import Rollouts


@dataclass
class Evaluations:
    """Of one run; ``total_steps`` is its last step."""

    probes: Sequence[BenchmarkProbe] = ()
    total_steps: int = 0
    _under_way: Future[dict[str, float]] | None = field(default=None, init=False)

    def due(self, done: int) -> list[BenchmarkProbe]:
        """Before training, every so many steps, and at the end."""
        return [probe for probe in self.probes if done % probe.every == 0 or done == self.total_steps]

    def measured(self, rollouts: Rollouts, done: int) -> dict[str, float]:
        """All that is due, now."""
        figures: dict[str, float] = {}
        for probe in self.due(done):
            figures |= probe.measure(rollouts, done)
        return figures

    def begin(self, rollouts: Rollouts, done: int) -> None:
        """Have what is due measured from now on."""
        if self.due(done):
            under_way = Future[dict[str, float]]()
            self._under_way = under_way

            def measure() -> None:
                try:
                    under_way.set_result(self.measured(rollouts, done))
                except BaseException as error:  # whoever ends it is told
                    under_way.set_exception(error)

            # A daemon: a run that ends before it does not wait for it.
            threading.Thread(target=measure, name="evaluation", daemon=True).start()

    def ended(self) -> dict[str, float]:
        """What was begun, once it is there; nothing where nothing was."""
        if self._under_way is None:
            return {}
        begun, self._under_way = self._under_way, None
        return begun.result()
