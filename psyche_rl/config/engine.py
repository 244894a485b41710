"""vLLM engines: selectors, rollout workers, evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.bounds import Mebibytes, PositiveShare, Processes, ProcessesOrAuto, Threads


class EngineConfig(Section):
    """One in-process vLLM engine."""

    dtype: Literal["float32", "bfloat16", "auto"] = "auto"
    max_model_len: int = Field(4096, ge=16, le=10**7)
    gpu_memory_utilization: Annotated[
        PositiveShare, MayChange("room for the KV cache decides how many requests run side by side")
    ] = 0.85
    kv_cache_mib: Annotated[Mebibytes | None, MayChange("as gpu_memory_utilization")] = None
    """Fixed KV cache size; unset, what the GPU has left, or 1024 on CPU."""
    max_num_seqs: Annotated[Processes, MayChange("batches of another make-up round differently")] = 256
    tensor_parallel_size: Annotated[ProcessesOrAuto, MayChange("sums are rounded in another order")] = 1
    """``auto``: the fewest GPUs whose memory holds the model and its cache."""
    enforce_eager: Annotated[bool, MayChange("compiled kernels round differently")] = False
    trust_remote_code: bool = False
    threads: Annotated[Threads | None, MayChange("sums are rounded in another order")] = None
    """CPU threads per engine; tiny models are fastest with 1."""

    @property
    def parallel(self) -> int:
        """GPUs of one engine; ``auto`` has been settled by the plan of placement, and is 1 without one."""
        return 1 if self.tensor_parallel_size == "auto" else self.tensor_parallel_size
