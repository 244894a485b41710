"""What vLLM is told of this project in each of its processes: the weight backend.

Role: the entry point ``vllm.general_plugins`` (pyproject.toml), which vLLM loads in the processes it starts
and in this one. A checkout that is on the path but not installed (Ray's ``working_dir``) has no entry points,
and there the name of :class:`WorkerExtension` brings vLLM's workers to import this module.
Invariant: importing and registering are cheap, since every vLLM of the environment does both, ours or not.
"""

from __future__ import annotations

from typing import Any

from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory

BACKEND = "psyche_rl"
EXTENSION = f"{__name__}.WorkerExtension"


def register() -> None:
    """Make the backend known to vLLM in this process; a second call does nothing."""
    if BACKEND not in WeightTransferEngineFactory._registry:
        WeightTransferEngineFactory.register_engine(BACKEND, "actors.engines.vllm_weights", "EngineWeights")


class WorkerExtension:
    """What vLLM's workers can be asked beside vLLM's own calls."""

    weight_transfer_engine: Any

    def arrived_checksum(self) -> int | None:
        """Of the last direct update, where one was asked for."""
        found: int | None = self.weight_transfer_engine.arrived
        return found


register()
