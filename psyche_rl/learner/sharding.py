"""Spreading a model over ranks by FSDP2.

Collaborators: ``loading`` shards a model before it has numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)

from psyche_rl.learner.policy_model import PolicyModel


def shard(model: PolicyModel, mesh: DeviceMesh, compute_dtype: torch.dtype) -> None:
    """Spread the model over ``mesh``, one group per decoder layer and one for the rest.

    Embedding and output layer stay in the root group together, since they may be the same tensor.
    Weights keep their own type; bfloat16 compute casts them on the way in and reduces in float32.
    Gradients are summed over ranks, not averaged: losses come with global denominators already.
    """
    half = compute_dtype == torch.bfloat16
    policy = MixedPrecisionPolicy(compute_dtype, torch.float32) if half else MixedPrecisionPolicy()
    for layer in decoder_layers(model.lm):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    register_fsdp_forward_method(model, "whole_logits")
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # Sum in the collective and divide by 1: gloo has no other reduction, and it is exact.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)


def decoder_layers(lm: Any) -> nn.ModuleList:
    """The list of layers that holds most of a Hugging Face model's parameters, wherever it hangs.

    ``model.layers`` in most models, ``transformer.h`` in GPT-2, ``model.decoder.layers`` in OPT. Lists inside
    of a layer (experts) are part of it.
    """
    lists = [*_outermost_lists(lm), nn.ModuleList()]
    return max(lists, key=lambda layers: sum(p.numel() for p in layers.parameters()))


def _outermost_lists(module: nn.Module) -> list[nn.ModuleList]:
    if isinstance(module, nn.ModuleList):
        return [module]
    return [found for child in module.children() for found in _outermost_lists(child)]
