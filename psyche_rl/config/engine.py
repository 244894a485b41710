"""vLLM engines: selectors, rollout workers, evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from psyche_rl.config.base import Section


class EngineConfig(Section):
    """One in-process vLLM engine."""

    dtype: Literal["float32", "bfloat16", "auto"] = "auto"
    max_model_len: int = Field(4096, ge=16)
    gpu_memory_utilization: float = 0.85
    kv_cache_mib: int | None = None
    """Fixed KV cache size; needed on CPU, where there is no GPU memory to measure."""
    max_num_seqs: int = Field(256, ge=1)
    tensor_parallel_size: int = Field(1, ge=1)
    enforce_eager: bool = False
    trust_remote_code: bool = False
    threads: int | None = None
    """CPU threads per engine; tiny models are fastest with 1."""
