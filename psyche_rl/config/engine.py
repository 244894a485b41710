"""vLLM engines: selectors, rollout workers, evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from psyche_rl.config.base import Section
from psyche_rl.config.bounds import Mebibytes, PositiveShare, Processes, Threads


class EngineConfig(Section):
    """One in-process vLLM engine."""

    dtype: Literal["float32", "bfloat16", "auto"] = "auto"
    max_model_len: int = Field(4096, ge=16, le=10**7)
    gpu_memory_utilization: PositiveShare = 0.85
    kv_cache_mib: Mebibytes | None = None
    """Fixed KV cache size; needed on CPU, where there is no GPU memory to measure."""
    max_num_seqs: Processes = 256
    tensor_parallel_size: Processes = 1
    enforce_eager: bool = False
    trust_remote_code: bool = False
    threads: Threads | None = None
    """CPU threads per engine; tiny models are fastest with 1."""
