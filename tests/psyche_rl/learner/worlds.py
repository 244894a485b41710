"""What each spawned rank does in ``test_invariance``: every case in worlds of 1, 2 and 3 ranks."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from checkpoint_worlds import go_wrong, held_back
from tiny import policy_sequences, policy_step, sft_sequences
from torch.distributed.tensor import distribute_tensor

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.learner import Learner
from psyche_rl.learner.lora import named_adapters
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.schedule import OptimSettings

LAYOUTS = {
    "alone": (500, 5000, Layout.ALONE),
    "packed": (500, 5000, Layout.PACKED),
    "all at once": (500, 5000, Layout.SHARED),
    "rows of 24": (24, 48, Layout.SHARED),
    "one by one": (1, 1, Layout.SHARED),
}
CASES = [
    (1, "alone"), (1, "packed"), (1, "all at once"), (1, "rows of 24"), (1, "one by one"),
    (2, "rows of 24"), (2, "all at once"), (3, "one by one"),
]  # fmt: skip
AGGREGATIONS = ("token-mean", "seq-mean-token-mean", "token-sum")
WORLDS = (1, 2, 3)
LORA = LoraConfig(rank=3, alpha=6, seed=1)


def run(rank: int, folder: str, cases: list[tuple[int, str]]) -> None:
    """Entry point of a spawned rank: rank 0 pickles what it saw of ``cases`` (world, layout)."""
    torch.set_num_threads(1)
    compute_norms_in_their_own_type()
    seen: dict = {}
    # 2 first: its checkpoint is what the others load.
    for world in (2, 1, 3):
        if rank < world:
            store = dist.FileStore(f"{folder}/store{world}", world)
            dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
            one_world(Path(folder), rank, world, [layout for w, layout in cases if w == world], seen)
            dist.destroy_process_group()
    if rank == 0:
        Path(folder, "seen.pickle").write_bytes(pickle.dumps(seen))


def compute_norms_in_their_own_type() -> None:
    """transformers rounds them to float32, also in a float64 model.

    A shared prompt's gradient is then rounded once where the unshared one is rounded for each copy (3e-8).
    """
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

    def forward(self, states):
        return (
            self.weight * states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        )

    Qwen2RMSNorm.forward = forward


def one_world(folder: Path, rank: int, world: int, layouts: list[str], seen: dict) -> None:
    for layout in layouts:
        row, micro, kind = LAYOUTS[layout]
        learner = new_learner(folder, "float64", row, micro, kind)
        seen[world, layout, "sft"] = step(
            learner, lambda x, s=learner: s.sft_step(x), sft_sequences(), rank, world
        )
        for name in AGGREGATIONS:
            objective = PolicyObjective(loss_aggregation=name, kl_coef=0.05, max_response_tokens=20)
            learner = new_learner(folder, "float64", row, micro, kind)
            act = lambda x, s=learner, o=objective: policy_step(s, x, o)  # noqa: E731
            seen[world, layout, name] = step(learner, act, policy_sequences(), rank, world)
            learner = new_learner(folder, "float64", row, micro, kind)
            act = lambda x, s=learner, o=objective: in_parts(s, x, o, rank)  # noqa: E731
            seen[world, layout, f"{name} in parts"] = step(learner, act, policy_sequences(), rank, world)
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
        for name, parameter in learner._model.lm.named_parameters():
            if parameter.requires_grad:
                gradients[name] = parameter.grad.full_tensor().clone()

    learner._adam.register_step_pre_hook(look)
    share = split([len(s.input_ids) for s in sequences], world)[rank]
    return act([sequences[i] for i in share]), gradients


def in_parts(learner, sequences, objective, rank):
    """A mini-batch that comes in three parts; of the first, rank 1 has nothing."""
    cuts = [0, 1 - rank % 2, max(1, len(sequences) // 2), len(sequences)]
    for first, end in itertools.pairwise(cuts):
        backward = learner.policy_backward(sequences[first:end], objective)
    return {**backward.metrics, **learner.optimizer_step()}


def checkpoint(folder: Path, rank: int, world: int, seen: dict) -> None:
    with held_back():
        learner = restored(folder, rank, world, seen)
    learner.saved()
    if world == 2:
        go_wrong(learner, folder, rank, seen)


def restored(folder: Path, rank: int, world: int, seen: dict) -> Learner:
    """Two ranks save and train on before it is written; others load that, and train on."""
    learner = new_learner(folder, "float32", 24, 48)
    path = str(folder / "ckpt")
    if world == 2:
        step(learner, learner.sft_step, sft_sequences(), rank, world)
        learner.save(path)
    else:
        assert learner.load(path) == 1
    adam = {
        f"{name}.{key}": value.full_tensor().clone()
        for name, parameter in learner._model.lm.named_parameters()
        for key, value in learner._adam.state[parameter].items()
        if key != "step"
    }
    seen[world, "restored"] = (learner.full_weights(), adam)
    seen[world, "next"], _ = step(learner, learner.sft_step, sft_sequences(seed=5), rank, world)
    return learner


def adapters(folder: Path, rank: int, world: int, seen: dict) -> None:
    """Rank 3 leaves rows over on two ranks, and one row a rank on three."""
    learner = new_learner(folder, "float64", 24, 48, lora=LORA)
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
        learner.saved()
    else:
        learner = new_learner(folder, "float64", 24, 48, lora=LORA)
        assert learner.load(path) == 1
    seen[world, "lora published"] = learner.full_weights()
    seen[world, "lora next"], _ = step(learner, learner.sft_step, sft_sequences(seed=5), rank, world)


def new_learner(
    folder: Path,
    dtype: str,
    row: int,
    micro: int,
    layout: Layout = Layout.SHARED,
    lora: LoraConfig | None = None,
) -> Learner:
    # No clipping: the gradients compared are the raw ones.
    config = LearnerConfig(dtype=dtype, row_tokens=row, micro_batch_tokens=micro, max_grad_norm=1e6)
    optim = OptimSettings(1e-3, "constant", 10)
    learner = Learner(folder / "model", config, optim, torch.device("cpu"), lora=lora)
    learner._micro_batches = replace(learner._micro_batches, layout=layout)
    return learner
