"""From a Hugging Face folder to a model whose weights are spread over the ranks.

Role: the model is built without weights, sharded, and then filled one tensor after another by the first rank,
the only one that reads the files. So a rank holds its shards and about one tensor, not a whole copy.
Collaborators: ``empty_model``, ``sharding``, ``file_format`` (which tensor goes where), ``spreading`` (to the
ranks).
Invariants:
- The weights are those that ``from_pretrained`` would load, bit for bit, on any number of ranks.
- All ranks take part, and if the files are unfit all raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule

from psyche_rl.errors import ModelError
from psyche_rl.learner.empty_model import empty_model, untie
from psyche_rl.learner.file_format import FileFormat, read_step
from psyche_rl.learner.policy_model import PolicyModel
from psyche_rl.learner.sharding import shard
from psyche_rl.learner.spreading import Spreading
from psyche_rl.model_folder import model_folder, stored_tensors

_COMPARED = 2**24
"""Numbers that are compared at a time."""


def load_sharded(
    model_dir: str | Path,
    mesh: DeviceMesh | None,
    device: torch.device,
    dtype: torch.dtype,
    compute_dtype: torch.dtype,
    *,
    trainable: bool = True,
    gradient_checkpointing: bool = False,
    attention: Callable[[Any], str] = lambda _: "sdpa",
    adapt: Callable[[Any], None] | None = None,
) -> PolicyModel:
    """Load a Hugging Face folder on ``device`` in ``dtype``. Collective over ``mesh``.

    Args:
        mesh: of one dimension, its ranks get a shard each; None loads the whole model in this process.
        compute_dtype: the type of the forward pass.
        attention: transformers' name of it, by the model's config.
        adapt: may add modules to the Hugging Face model, and freeze or wrap those that are there, while it
            has no weights yet. What it adds is allocated and not filled.

    Raises:
        ModelError: the folder is missing something or is no causal language model.
    """
    folder = model_folder(model_dir)
    lm = empty_model(folder, dtype, attention)
    spreading = Spreading(mesh, device)
    stored = spreading.agree(lambda: stored_tensors(folder))
    try:
        form = FileFormat(lm, stored)
        form = _resolve(lm, form, dtype, spreading)
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from None
    named = dict(lm.state_dict(keep_vars=True))
    if gradient_checkpointing:
        lm.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    lm.train()  # gradient checkpointing works in training mode only; without dropout nothing else differs
    if not trainable:
        lm.requires_grad_(False)
    if adapt is not None:
        adapt(lm)
    model = PolicyModel(lm, attention(lm.config))
    model.form, model.places = form, _places(named, lm)
    if mesh is not None:
        shard(model, mesh, compute_dtype)
    _allocate(model, device)
    _fill(model, spreading)
    return model


def _places(named: dict[str, torch.Tensor], lm: nn.Module) -> dict[str, str]:
    """Name that each tensor had -> name that it has now, after modules were wrapped."""
    now = {id(tensor): name for name, tensor in lm.state_dict(keep_vars=True).items()}
    return {name: now[id(tensor)] for name, tensor in named.items()}


def _resolve(lm: Any, form: FileFormat, dtype: torch.dtype, spreading: Spreading) -> FileFormat:
    """As transformers does: what the config ties and the files hold twice is one only if it is alike."""
    doubled = form.doubled()
    unlike = spreading.agree(lambda: [pair for pair in doubled if not _alike(form, pair, dtype)])
    if not unlike:
        return form
    untie(lm, unlike)
    return FileFormat(lm, form.stored)


def _alike(form: FileFormat, pair: tuple[str, str], dtype: torch.dtype) -> bool:
    steps = {target: step for step in form.steps for target in step.dtypes}
    one, other = (read_step(form, steps[name])[name] for name in pair)
    rows = max(1, _COMPARED // max(1, one[0].numel()))
    pieces = zip(one.split(rows), other.split(rows), strict=True)
    return all(torch.equal(a.to(dtype), b.to(dtype)) for a, b in pieces)


def _allocate(model: PolicyModel, device: torch.device) -> None:
    """Storage for what is on ``meta``; buffers keep their values."""
    values = {name: buffer.to(device, copy=True) for name, buffer in _buffers(model)}
    model.to_empty(device=device)
    if not isinstance(model, FSDPModule):  # which sees to it itself
        model.lm.tie_weights(recompute_mapping=False)
    for name, buffer in _buffers(model):
        buffer.copy_(values[name])


def _buffers(model: nn.Module) -> Iterable[tuple[str, torch.Tensor]]:
    return model.named_buffers(remove_duplicate=False)


def _fill(model: PolicyModel, spreading: Spreading) -> None:
    tensors = model.lm.state_dict(keep_vars=True)
    for step in model.form.steps:
        values = read_step(model.form, step) if spreading.first else {}
        for target, stored in step.dtypes.items():
            spreading.fill(tensors[model.places[target]], values.pop(target, None), stored)
