"""Bringing weights into a live vLLM engine: from this host's memory, or from the learner's device.

Role: a backend for vLLM's native weight-transfer API. An update carries numpy arrays, straight from Ray's
object store (or for vLLM's other processes the place where they can be mapped), or it is left to vLLM's own
backend for CUDA IPC or NCCL. An engine takes both, so that a worker that joins needs no collective.
Collaborators: ``plugin``, which makes it known to vLLM; ``weight_update`` and ``transfer``, which drive an
update; ``actors.learner.weight_sender``, the other end of a direct one.
Invariants:
- Weights go through vLLM's layerwise reload, since CPU weights are repacked after loading and a plain
  ``load_weights`` fails.
- Output heads are repacked afterwards, because vLLM repacks only layers that received weights of their own,
  and a tied head would silently go on serving the old ones.
- Experts on CPU are set up anew, because vLLM repacks them only the first time, and then silently computes
  with weights in the wrong layout.
- A checksum is of what arrived here, taken before the model loads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from vllm.config import WeightTransferConfig
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferUpdateInfo,
)
from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory
from vllm.model_executor.layers.fused_moe.oracle.unquantized import UnquantizedMoeBackend
from vllm.model_executor.layers.fused_moe.unquantized_fused_moe_method import UnquantizedFusedMoEMethod
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.arrays import checksum, from_numpy, to_numpy
from psyche_rl.weights.shared_memory import SharedWeights

DIRECT = ("ipc", "nccl")
"""vLLM's own backends that an engine can be told to use."""


@dataclass
class HostUpdate(WeightTransferUpdateInfo):
    """One whole state, or where it lies for several processes to read."""

    weights: Weights | SharedWeights


class EngineWeights(WeightTransferEngine[Any, Any]):
    """Loads weights that lie in this host's memory, or those that vLLM's own backend receives."""

    _direct: WeightTransferEngine[Any, Any] | None = None
    _checked = False
    arrived: int | None = None
    """Checksum of the last direct update, where one was asked for."""

    def parse_init_info(self, init_dict: dict[str, Any]) -> Any:
        """``backend`` names one of :data:`DIRECT`, which takes the place of an earlier one and gets the rest.

        Raises:
            ValueError: it is another, or does not understand the rest.
        """
        backend = init_dict.get("backend")
        if backend not in DIRECT:
            raise ValueError(f"weights come directly by {' or '.join(DIRECT)}, not by {backend}")
        self.shutdown()
        config = WeightTransferConfig(backend=backend)
        self._direct = WeightTransferEngineFactory.create_engine(
            config, self.vllm_config, self.device, self.model
        )
        return self._direct.parse_init_info({k: v for k, v in init_dict.items() if k != "backend"})

    def init_transfer_engine(self, init_info: Any) -> None:
        """Meet the learner."""
        self._need_direct().init_transfer_engine(init_info)

    def parse_update_info(self, update_dict: dict[str, Any]) -> Any:
        """``weights`` for a state in memory; else what vLLM's backend takes, and ``checked``."""
        if "weights" in update_dict:
            return HostUpdate(**update_dict)
        given = dict(update_dict)
        self._checked = given.pop("checked", False)
        return self._need_direct().parse_update_info(given)

    def start_weight_update(self) -> None:
        """Put every layer back into checkpoint format, ready to load."""
        self.arrived = None
        initialize_layerwise_reload(self.model)
        for module in self.model.modules():
            method = getattr(module, "quant_method", None)
            if (
                isinstance(method, UnquantizedFusedMoEMethod)
                and method.unquantized_backend is UnquantizedMoeBackend.CPU
            ):
                method.moe_kernel = None  # by which vLLM knows the first time

    def receive_weights(self, update_info: Any) -> None:
        """Load what came; vLLM's loaders copy, so the memory stays the sender's."""
        if not isinstance(update_info, HostUpdate):
            direct = self._need_direct()
            direct.set_weight_update_target(
                _Listening(self) if self._checked else self.model, self.model_config
            )
            direct.receive_weights(update_info)
            return
        weights = update_info.weights
        if isinstance(weights, SharedWeights):
            weights = weights.open()
        self._load((name, from_numpy(array)) for name, array in weights.items())

    def finish_weight_update(self) -> None:
        """Repack what the kernels want repacked, tied heads included."""
        if self._direct is None:
            finalize_layerwise_reload(self.model, self.model_config)
        else:  # which does the same, and lets go of what it has mapped
            self._direct.set_weight_update_target(self.model, self.model_config)
            self._direct.finish_weight_update()
        for module in self.model.modules():
            if isinstance(module, ParallelLMHead):
                module.quant_method.process_weights_after_loading(module)

    def shutdown(self) -> None:
        """Let go of the learner, if there is one."""
        if self._direct is not None:
            self._direct.shutdown()
            self._direct = None

    def _load(self, weights: Iterable[tuple[str, torch.Tensor]]) -> None:
        model: Any = self.model
        model.load_weights(weights)

    def _need_direct(self) -> WeightTransferEngine[Any, Any]:
        if self._direct is None:
            raise ValueError("no direct way for weights has been agreed on (init_weight_transfer_engine)")
        return self._direct


class _Listening(torch.nn.Module):
    """In the model's place for vLLM's backend: notes the checksum of what it is given to load."""

    def __init__(self, engine: EngineWeights) -> None:
        super().__init__()
        self._engine = engine

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Take them as the model does."""
        given = list(weights)
        for name, tensor in given:
            self._engine.arrived = (self._engine.arrived or 0) ^ checksum({name: to_numpy(tensor.cpu())})
        self._engine._load(given)
