"""Learner checkpoints by torch.distributed.checkpoint: written by n ranks, read by any number.

Invariants: a checkpoint is whole or not one: DCP writes ``.metadata`` last, and a local folder gets its
name only then. What is restored is bit for bit what was saved.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded
from torch.distributed.checkpoint.state_dict_saver import save as save_sharded

from psyche_rl.errors import RunFolderError
from psyche_rl.store.atomic import replace_folder


def save_state(
    path: str, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, trained_only: bool = False
) -> None:
    """Write to a local or shared folder (replaced as a whole) or to an fsspec URL. Collective."""
    content = _content(model, optimizer, step, trained_only)
    if "://" in path:
        from torch.distributed.checkpoint._fsspec_filesystem import FsspecWriter

        save_sharded(content, storage_writer=FsspecWriter(path))
        return
    aside = f"{path}.tmp"  # one name for all ranks
    if dist.get_rank() == 0:
        shutil.rmtree(aside, ignore_errors=True)
    dist.barrier()
    save_sharded(content, checkpoint_id=aside)
    if dist.get_rank() == 0:
        replace_folder(aside, path)
    dist.barrier()


def load_state(
    path: str, model: nn.Module, optimizer: torch.optim.Optimizer, trained_only: bool = False
) -> int:
    """Restore and return the step. Collective.

    Raises:
        RunFolderError: there is no whole checkpoint at ``path``.
    """
    content = _content(model, optimizer, 0, trained_only)
    if "://" in path:
        from torch.distributed.checkpoint._fsspec_filesystem import FsspecReader

        load_sharded(content, storage_reader=FsspecReader(path))
    elif not (Path(path) / ".metadata").is_file():
        raise RunFolderError(f"{path}: no whole checkpoint there; remove it to go on from an earlier one")
    else:
        load_sharded(content, checkpoint_id=path)
    set_state_dict(
        model,
        optimizer,
        model_state_dict=content["model"],
        optim_state_dict=content["optimizer"],
        options=StateDictOptions(strict=not trained_only),
    )
    return int(content["step"])


def _content(
    model: nn.Module, optimizer: torch.optim.Optimizer, step: int, trained_only: bool
) -> dict[str, Any]:
    """``trained_only``: without frozen parameters, which the model folder has."""
    weights, state = get_state_dict(model, optimizer)
    if trained_only:  # DCP's ignore_frozen_params forgets tied ones under their second name
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        weights = {name: tensor for name, tensor in weights.items() if name in trained}
    return {"model": weights, "optimizer": state, "step": torch.tensor(step)}
