"""What each spawned rank does in ``test_invariance``: every case in worlds of 1, 2 and 3 ranks."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
import torch.distributed as dist
from tiny import policy_sequences, sft_sequences
from torch.distributed.tensor import distribute_tensor

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.learner import Learner
from psyche_rl.learner.lora import named_adapters
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.schedule import OptimSettings

LAYOUTS = {"rows of 24": (24, 48), "one by one": (1, 1), "all at once": (500, 5000)}
CASES = [(1, "all at once"), (1, "rows of 24"), (1, "one by one"), (2, "rows of 24"), (3, "one by one")]
AGGREGATIONS = ("token-mean", "seq-mean-token-mean")
WORLDS = (1, 2, 3)
LORA = LoraConfig(rank=3, alpha=6, seed=1)


def run(rank: int, folder: str) -> None:
    """Entry point of a spawned rank: rank 0 pickles what it saw."""
    torch.set_num_threads(1)
    seen: dict = {}
    # 2 first: its checkpoint is what the others load.
    for world in (2, 1, 3):
        if rank < world:
            store = dist.FileStore(f"{folder}/store{world}", world)
            dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
            one_world(Path(folder), rank, world, seen)
            dist.destroy_process_group()
    if rank == 0:
        Path(folder, "seen.pickle").write_bytes(pickle.dumps(seen))


def one_world(folder: Path, rank: int, world: int, seen: dict) -> None:
    for layout in [layout for w, layout in CASES if w == world]:
        row, micro = LAYOUTS[layout]
        learner = new_learner(folder, "float64", row, micro)
        seen[world, layout, "sft"] = step(
            learner, lambda x, s=learner: s.sft_step(x), sft_sequences(), rank, world
        )
        for name in AGGREGATIONS:
            objective = PolicyObjective(loss_aggregation=name, kl_coef=0.05, max_response_tokens=20)
            learner = new_learner(folder, "float64", row, micro)
            act = lambda x, s=learner, o=objective: s.policy_step(x, o)  # noqa: E731
            seen[world, layout, name] = step(learner, act, policy_sequences(), rank, world)
    learner = new_learner(folder, "float32", 24, 48)
    seen[world, "float32"] = step(learner, learner.sft_step, sft_sequences(), rank, world)
    # Two sequences on three ranks: one rank has nothing to do and must still take part.
    learner = new_learner(folder, "float64", 24, 48)
    seen[world, "few"] = step(learner, learner.sft_step, sft_sequences(2), rank, world)
    checkpoint(folder, rank, world, seen)
    adapters(folder, rank, world, seen)


def step(learner, act, sequences, rank, world):
    """Metrics and full gradients of one step in which each rank has its share of ``sequences``."""
    gradients = {}

    def look(*_):
        for name, parameter in learner._model.named_weights():
            if parameter.requires_grad:
                gradients[name] = parameter.grad.full_tensor().clone()

    learner._adam.register_step_pre_hook(look)
    share = split([len(s.input_ids) for s in sequences], world)[rank]
    return act([sequences[i] for i in share]), gradients


def checkpoint(folder: Path, rank: int, world: int, seen: dict) -> None:
    learner = new_learner(folder, "float32", 24, 48)
    path = str(folder / "ckpt")
    if world == 2:
        step(learner, learner.sft_step, sft_sequences(), rank, world)
        learner.save(path)
    else:
        assert learner.load(path) == 1
    adam = {
        f"{name}.{key}": value.full_tensor().clone()
        for name, parameter in learner._model.named_weights()
        for key, value in learner._adam.state[parameter].items()
        if key != "step"
    }
    seen[world, "restored"] = (learner.full_weights(), adam)
    seen[world, "next"], _ = step(learner, learner.sft_step, sft_sequences(seed=5), rank, world)


def adapters(folder: Path, rank: int, world: int, seen: dict) -> None:
    """Rank 3 leaves rows over on two ranks, and one row a rank on three."""
    learner = new_learner(folder, "float64", 24, 48, LORA)
    starts = {name: adapter.whole()[0].clone() for name, adapter in named_adapters(learner._model.lm)}
    for n, (_, adapter) in enumerate(named_adapters(learner._model.lm)):  # with B = 0, A has no gradient
        whole = torch.empty(adapter.b.shape).normal_(0, 0.3, generator=torch.Generator().manual_seed(n))
        place = adapter.b.device_mesh, adapter.b.placements
        adapter.b.data.copy_(distribute_tensor(whole.double(), *place, src_data_rank=None))
    metrics, gradients = step(learner, learner.sft_step, sft_sequences(), rank, world)
    seen[world, "lora"] = starts, metrics, dict(gradients)  # the next step fills the same dict
    path = str(folder / "lora_ckpt")
    if world == 2:
        learner.save(path)
    else:
        learner = new_learner(folder, "float64", 24, 48, LORA)
        assert learner.load(path) == 1
    seen[world, "lora published"] = learner.full_weights()
    seen[world, "lora next"], _ = step(learner, learner.sft_step, sft_sequences(seed=5), rank, world)


def new_learner(folder: Path, dtype: str, row: int, micro: int, lora: LoraConfig | None = None) -> Learner:
    # No clipping: the gradients compared are the raw ones.
    config = LearnerConfig(dtype=dtype, row_tokens=row, micro_batch_tokens=micro, max_grad_norm=1e6)
    optim = OptimSettings(1e-3, "constant", 10)
    return Learner(folder / "model", config, optim, torch.device("cpu"), lora)
