"""What every stage gets: the config, the run folder, the event log, and a scratch folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from psyche_rl.config import RunConfig
from psyche_rl.events import Events
from psyche_rl.run_follower import NOBODY, RunFollower
from psyche_rl.stop import StopRequest
from psyche_rl.store import RunStore

Counts = dict[str, int | float]


@dataclass(frozen=True)
class StageContext:
    """Handed to ``run(context)`` of each stage module; stages return their counts."""

    config: RunConfig
    store: RunStore
    events: Events
    scratch: Path = field(default_factory=Path)
    """A local folder of this process for copies of remote files; gone when the run ends."""
    begin: Callable[[], None] = lambda: None
    """Called when what can fail at the start has been seen to work and results are about to be written: those
    that stand aside for a redo are thrown away. May be called often, and from any thread."""
    stop: StopRequest = field(default_factory=StopRequest)
    """Asked by the training loops between their phases."""
    follower: RunFollower = NOBODY
    """Told of steps and samples by the stages that train."""
