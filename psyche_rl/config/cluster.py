"""What a run may count on of the cluster, and how long it waits for its places there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import Section, SpeedOnly
from psyche_rl.config.bounds import Seconds
from psyche_rl.config.passed_variables import PassedVariable

_WHY = "a deadline stops a run, and changes nothing that is computed"


class ClusterConfig(Section):
    """Growth and deadlines; the error names what has no place."""

    wait_s: Annotated[Seconds, SpeedOnly(_WHY)] = 60.0
    """For places on a cluster that is as large as it will be, in seconds."""
    may_add: Annotated[
        str | None, SpeedOnly("what may come is told, and changes nothing that is computed")
    ] = Field(None, pattern=r"^\d+x\d+x\d+(\.\d+)?$")
    """Nodes that an autoscaler may add to those there are, as ``2x8x80`` (nodes, GPUs of each, GiB of each).
    Needed where Ray does not report it, as with its own autoscaler; unset, there are no more to come."""
    grow_wait_s: Annotated[Seconds, SpeedOnly(_WHY)] = 1200.0
    """For places that an autoscaler must make first: nodes take minutes to come up."""
    pass_env: Annotated[
        tuple[PassedVariable, ...], SpeedOnly("tokens, proxies and networks change nothing that is computed")
    ] = ()
    """Variables that workers have from the driver, by name or pattern: ``[HF_TOKEN, AWS_*, NCCL_*]``."""
