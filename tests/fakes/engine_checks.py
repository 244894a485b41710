"""What tests of engines and of pools of them ask, and how far answers are from Hugging Face's model."""

from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from tiny_models import EOS

from psyche_rl.config.engine import EngineConfig
from psyche_rl.records import GenerationRequest, Sample

CONFIG = EngineConfig(dtype="float32", max_model_len=128, kv_cache_mib=32, enforce_eager=True, threads=1)


def leave_no_group() -> None:
    """An engine in this process joins torch's one default group, and vLLM keeps its own on top of it; the
    next engine, or a learner, is to make its own."""
    from vllm.distributed.parallel_state import destroy_distributed_environment, destroy_model_parallel

    destroy_model_parallel()
    destroy_distributed_environment()
    if dist.is_initialized():
        dist.destroy_process_group()


def requests(count: int, n: int = 3, seed: int = 0, **settings: Any) -> list[GenerationRequest]:
    rng = np.random.default_rng(seed)
    return [
        GenerationRequest(
            id=f"r{i}",
            prompt_ids=tuple(rng.integers(4, 260, size=int(rng.integers(5, 60))).tolist()),
            n=n,
            seed=1000 + i,
            **{"max_tokens": 12, "stop_token_ids": (EOS,), **settings},
        )
        for i in range(count)
    ]


def model_logprobs(model: Any, sample: Sample, temperature: float = 1.0) -> np.ndarray:
    """What Hugging Face says about a sample's tokens, in nats."""

    with torch.no_grad():
        logits = model(torch.tensor([[*sample.prompt_ids, *sample.response_ids]])).logits[0]
    logprobs = (logits / temperature).log_softmax(-1)[len(sample.prompt_ids) - 1 : -1]
    return logprobs[torch.arange(len(sample.response_ids)), list(sample.response_ids)].numpy()


def largest_error(model: Any, groups: list[list[Sample]], temperature: float = 1.0) -> float:
    return max(
        float(np.abs(model_logprobs(model, s, temperature) - s.logprobs).max()) for g in groups for s in g
    )
