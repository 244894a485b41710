"""Low-rank adapters on a Hugging Face model: put on, switched off, merged.

Role: the only place that knows how peft wraps a linear layer.
Collaborators: ``peft`` gives the layers; the learner shards, trains and gathers them; ``adapter_folder``
writes them.
Invariants:
- The model that was given is frozen; only adapters are trained, in a type of their own.
- Layers are named as they were before they were wrapped.
- Adapters begin with the same numbers on every number of ranks, and change nothing before the first step.
- Merging leaves the live model as it is.
"""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor

from psyche_rl.config.lora import ALL_LINEAR, LoraConfig
from psyche_rl.errors import ModelError
from psyche_rl.learner.shards import whole

ADAPTER = "default"
"""peft's name for an adapter that nobody named."""


@dataclass(frozen=True)
class Adapter:
    """The two factors of a layer's update: ``a`` [rank, in], ``b`` [out, rank] (DTensors if sharded)."""

    a: nn.Parameter
    b: nn.Parameter
    scale: float
    transposed: bool
    """The layer keeps its weight as [in, out] (GPT-2's ``Conv1D``)."""

    def whole(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Both factors, gathered from all ranks. Collective."""
        return whole(self.a).detach(), whole(self.b).detach()

    def merged(self, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """``weight + scale * b @ a`` of whole tensors, in the finer of their types: a new tensor."""
        update = (b @ a) * self.scale
        return weight + (update.T if self.transposed else update)


def add_adapters(lm: Any, config: LoraConfig, dtype: torch.dtype) -> None:
    """Freeze ``lm`` and wrap its target layers; a model on ``meta`` stays there.

    The adapters hold no numbers yet, :func:`start_adapters` gives them theirs.

    Args:
        dtype: of the adapters (float32 beside a bfloat16 model: a step is smaller than bfloat16 tells).

    Raises:
        ModelError: a target names no linear layer of this model, or one that cannot be adapted.
    """
    from peft import LoraConfig as PeftConfig
    from peft import inject_adapter_in_model

    targets = target_layers(lm, config.target_modules)
    transposed = {_is_transposed(lm.get_submodule(name)) for name in targets}
    if len(transposed) > 1:
        raise ModelError(f"lora.target_modules: {_kind(lm)} keeps some targets transposed; name them apart")
    settings = PeftConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        use_rslora=config.use_rslora,
        lora_dropout=0.0,
        bias="none",
        target_modules=list(targets),
        fan_in_fan_out=transposed.pop(),
    )
    with warnings.catch_warnings():
        # Tied embeddings are never targets, yet peft warns of them whenever a model has some.
        warnings.simplefilter("ignore")
        inject_adapter_in_model(settings, lm, ADAPTER, low_cpu_mem_usage=True)
    wrapped = _layers(lm)
    if sorted(wrapped) != sorted(targets):
        odd = ", ".join(sorted({*wrapped} ^ {*targets})[:3])
        raise ModelError(
            f"lora.target_modules: peft does not adapt {_kind(lm)} as asked ({odd}); "
            "name layers of the attention, such as q_proj"
        )
    for layer in wrapped.values():
        device = layer.get_base_layer().weight.device
        for factor in (layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]):
            factor.to_empty(device=device).to(dtype)


def target_layers(lm: Any, targets: Sequence[str]) -> tuple[str, ...]:
    """Names of the linear layers to adapt, in the model's order; the output layer is never one.

    Raises:
        ModelError: a name stands for no linear layer, or for the output layer.
    """
    head = lm.get_output_embeddings()
    linear = {n: m for n, m in lm.named_modules() if isinstance(m, nn.Linear) or _is_transposed(m)}
    fit = [n for n, m in linear.items() if m is not head]
    if targets == ALL_LINEAR:
        return tuple(fit)
    known = ", ".join(sorted({name.rpartition(".")[2] for name in fit}))
    for target in targets:
        if not any(_ends(name, target) for name in fit):
            what = "the output layer" if any(_ends(n, target) for n in linear) else "no linear layer"
            raise ModelError(f"lora.target_modules: '{target}' is {what} of {_kind(lm)}; it has {known}")
    return tuple(name for name in fit if any(_ends(name, target) for target in targets))


def start_adapters(lm: Any, seed: int) -> None:
    """Give all adapters their first numbers, after sharding or without: A uniform, B zero.

    Each whole A is drawn from a generator of its own (by ``seed`` and the layer's name), of which a rank
    keeps its part. Bounds are those of ``nn.Linear``, as peft's and LoRA's own.
    """
    for name, layer in _layers(lm).items():
        a, b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}:{name}".encode()))
        bound = 1 / math.sqrt(a.shape[1])
        # In float32 whatever the type, so that a float64 learner starts where a float32 one does.
        drawn = torch.empty(a.shape).uniform_(-bound, bound, generator=generator).to(a.device, a.dtype)
        if isinstance(a, DTensor):
            # No rank sends anything: all have drawn the same.
            drawn = distribute_tensor(drawn, a.device_mesh, a.placements, src_data_rank=None)
        with torch.no_grad():
            a.copy_(drawn)
            b.zero_()


@contextmanager
def adapters_off(lm: Any) -> Iterator[None]:
    """Within the block ``lm`` computes what it did before it had adapters: the reference of the KL term."""
    layers = _layers(lm).values()
    # Not by peft's own switch, which also changes what is trainable, under FSDP's feet: a group that is
    # gathered at that moment would come back frozen.
    for layer in layers:
        layer.set_scale(ADAPTER, 0.0)
    try:
        yield
    finally:
        for layer in layers:
            layer.set_scale(ADAPTER, 1.0)


def named_adapters(lm: Any) -> Iterator[tuple[str, Adapter]]:
    """The adapters by the names of the layers that they change."""
    return ((name, _adapter(layer)) for name, layer in _layers(lm).items())


def merging(lm: Any) -> Callable[[str, torch.Tensor], torch.Tensor]:
    """What makes of a weight (its name in the bare model, its whole value) what ``lm`` computes with.

    Collective where the adapters are sharded. A weight that no adapter changes comes back as it is.
    """
    adapters = {f"{name}.weight": adapter for name, adapter in named_adapters(lm)}

    def merged(name: str, weight: torch.Tensor) -> torch.Tensor:
        adapter = adapters.get(name)
        return weight if adapter is None else adapter.merged(weight, *adapter.whole())

    return merged


def _adapter(layer: Any) -> Adapter:
    a, b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
    return Adapter(a, b, layer.scaling[ADAPTER], layer.fan_in_fan_out)


def _layers(lm: Any) -> dict[str, Any]:
    """Adapted layers by the names they had before."""
    return {name: module for name, module in lm.named_modules() if hasattr(module, "lora_A")}


def _is_transposed(module: nn.Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _kind(lm: Any) -> str:
    return str(lm.config.model_type)
