"""What each spawned rank does in ``test_loading``: models loaded in worlds of 1, 2 and 3 ranks."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from psyche_rl.errors import ModelError
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.published import published_weights

DTYPES = ("float32", "bfloat16", "float64")
WORLDS = (1, 2, 3)


def run(rank: int, folder: str) -> None:
    """Entry point of a spawned rank; each pickles what it saw."""
    torch.set_num_threads(1)
    seen: dict = {}
    for world in WORLDS:
        if rank < world:
            store = dist.FileStore(f"{folder}/store{world}", world)
            dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
            for model in sorted(path.name for path in Path(folder, "models").iterdir()):
                for dtype in DTYPES:
                    seen[world, model, dtype] = load(Path(folder, "models", model), world, dtype)
            seen[world, "unfit"] = why_not(Path(folder, "unfit"), world)
            dist.destroy_process_group()
    Path(folder, f"seen{rank}.pickle").write_bytes(pickle.dumps(seen))


def load(folder: Path, world: int, dtype: str) -> tuple[dict, dict, dict]:
    """Whole tensors by name; rows of this rank; what is published."""
    kind = getattr(torch, dtype)
    model = load_sharded(folder, init_device_mesh("cpu", (world,)), torch.device("cpu"), kind, kind)
    state = model.lm.state_dict()
    rows = {name: len(t.to_local()) for name, t in state.items() if isinstance(t, DTensor)}
    whole = {name: t.full_tensor() if isinstance(t, DTensor) else t for name, t in state.items()}
    return whole, rows, dict(published_weights(model, kind))


def why_not(folder: Path, world: int) -> str:
    mesh = init_device_mesh("cpu", (world,))
    try:
        load_sharded(folder, mesh, torch.device("cpu"), torch.float32, torch.float32)
    except ModelError as error:
        return str(error)
    return ""
