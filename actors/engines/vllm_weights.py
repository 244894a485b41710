"""Bringing weights from host memory into a live vLLM engine.

Role: a backend for vLLM's native weight-transfer API: the update carries numpy arrays, straight from Ray's
object store, or for vLLM's other processes the place where they can be mapped.
Collaborators: ``plugin``, which makes it known to vLLM; ``weight_update``, which drives an update.
Invariants:
- Weights go through vLLM's layerwise reload, since CPU weights are repacked after loading and a plain
  ``load_weights`` fails.
- Output heads are repacked afterwards, because vLLM repacks only layers that received weights of their own,
  and a tied head would silently go on serving the old ones.
- Experts on CPU are set up anew, because vLLM repacks them only the first time, and then silently computes
  with weights in the wrong layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.model_executor.layers.fused_moe.oracle.unquantized import UnquantizedMoeBackend
from vllm.model_executor.layers.fused_moe.unquantized_fused_moe_method import UnquantizedFusedMoEMethod
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.arrays import from_numpy
from psyche_rl.weights.shared_memory import SharedWeights


@dataclass
class HostInit(WeightTransferInitInfo):
    """Nothing to agree on: both sides share a host."""


@dataclass
class HostUpdate(WeightTransferUpdateInfo):
    """One whole state, or where it lies for several processes to read."""

    weights: Weights | SharedWeights


class HostWeights(WeightTransferEngine[HostInit, HostUpdate]):
    """Loads weights that lie in this host's memory."""

    init_info_cls = HostInit
    update_info_cls = HostUpdate

    def init_transfer_engine(self, init_info: HostInit) -> None:
        """No rendezvous."""

    def start_weight_update(self) -> None:
        """Put every layer back into checkpoint format, ready to load."""
        initialize_layerwise_reload(self.model)
        for module in self.model.modules():
            method = getattr(module, "quant_method", None)
            if (
                isinstance(method, UnquantizedFusedMoEMethod)
                and method.unquantized_backend is UnquantizedMoeBackend.CPU
            ):
                method.moe_kernel = None  # by which vLLM knows the first time

    def receive_weights(self, update_info: HostUpdate) -> None:
        """Load the arrays; vLLM's loaders copy, so the memory stays the sender's."""
        model: Any = self.model
        weights = update_info.weights
        if isinstance(weights, SharedWeights):
            weights = weights.open()
        model.load_weights((name, from_numpy(array)) for name, array in weights.items())

    def finish_weight_update(self) -> None:
        """Repack what the kernels want repacked, tied heads included."""
        finalize_layerwise_reload(self.model, self.model_config)
        for module in self.model.modules():
            if isinstance(module, ParallelLMHead):
                module.quant_method.process_weights_after_loading(module)

    def shutdown(self) -> None:
        """Nothing is held."""
