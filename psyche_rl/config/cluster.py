"""How long a run waits for its places on the cluster."""

from __future__ import annotations

from typing import Annotated

from psyche_rl.config.base import Section, SpeedOnly
from psyche_rl.config.bounds import Seconds

_WHY = "a deadline stops a run, and changes nothing that is computed"


class ClusterConfig(Section):
    """Deadlines; the error names what has no place."""

    wait_s: Annotated[Seconds, SpeedOnly(_WHY)] = 60.0
    """For places on a cluster that is as large as it will be, in seconds."""
    grow_wait_s: Annotated[Seconds, SpeedOnly(_WHY)] = 1200.0
    """For places that an autoscaler must make first: nodes take minutes to come up."""
