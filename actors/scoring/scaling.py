"""How many scoring processes there should be: a pure function of the load.

Invariants:
- Never below the minimum nor above the maximum.
- More processes come at once, since one costs milliseconds.
- Fewer only after a quiet while, so that the pauses between training steps cost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HORIZON_S = 1.0
"""A queue is too long if the processes there are cannot work it off in this time."""
QUIET_S = 30.0
"""Surplus processes go after this time without need."""


@dataclass(frozen=True)
class Load:
    """What there is to do, and who does it, at one moment."""

    processes: int
    """There are, or were wanted before some of them ended."""
    stalled: int
    """Processes that have spent long on one sample: they hang, perhaps, and are not counted on."""
    backlog_s: float
    """What one process would take for all samples that wait."""
    cores: int
    """Of this machine: a queue is not worked off sooner by more processes than can run."""
    quiet_s: float
    """Time since more than the minimum was last needed."""


@dataclass(frozen=True)
class ScalingPolicy:
    """Between ``minimum`` and ``maximum`` processes."""

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(
                f"no number of processes is >= {self.minimum} and <= {self.maximum}, or it is < 1"
            )

    def needed(self, load: Load) -> int:
        """Enough for the queue, and one in place of each that is stalled."""
        working = max(self.minimum, min(load.cores, math.ceil(load.backlog_s / HORIZON_S)))
        return min(self.maximum, working + load.stalled)

    def wanted(self, load: Load) -> int:
        """How many there should be now."""
        needed = self.needed(load)
        return needed if load.quiet_s >= QUIET_S else max(needed, min(load.processes, self.maximum))
