"""A one-rank process group for the tests that need no second rank."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.schedule import OptimSettings


@pytest.fixture(scope="package")
def one_rank():
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture
def new_learner(one_rank):
    from psyche_rl.learner.learner import Learner

    def build(folder, optim=None, lora=None, **config):
        settings = LearnerConfig(**{"dtype": "float32", "row_tokens": 24, "micro_batch_tokens": 60, **config})
        optim = optim or OptimSettings(lr=1e-2, schedule="cosine", total_steps=10, warmup_steps=2)
        return Learner(folder, settings, optim, torch.device("cpu"), lora=lora)

    return build
