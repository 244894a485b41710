"""Starting vLLM in this process: the environment it wants, and its options.

Collaborator: ``vllm_engine``, which drives what is started here.
Invariant: what differs between CPU and GPU is decided here and nowhere else.
"""

from __future__ import annotations

import os
from typing import Any

from psyche_rl.config.engine import EngineConfig

STEP_TOKENS = 4096
"""Tokens of one scheduler step. On CPU no prompt may be split over two steps (see ``_device_options``), so
that this also bounds the prompt: it is raised to the context length where that is more."""
CPU_BLOCK = 32
"""Tokens of a block of the KV cache, the least that vLLM's CPU kernels take (its default is 128). Samples of
a group share the whole blocks of their prompt."""
CPU_KV_MIB = 1024
"""The KV cache on CPU unless the config says; vLLM would take 85 % of the host's memory for each engine."""

_ALWAYS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # A forked worker hangs where this process has computed with several threads before.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}


def engine_env(config: EngineConfig, on_gpu: bool) -> dict[str, str]:
    """Environment of a process that will hold an engine; must be set before torch and vLLM are imported."""
    env = dict(_ALWAYS)
    if not on_gpu:
        # Unbound threads: engines share cores. No dynamo: compiling costs more than tiny models ever save.
        env |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1"}
    if config.threads:
        env |= {name: str(config.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return env


def start_llm(folder: Any, config: EngineConfig, max_model_len: int, can_sleep: bool = False) -> Any:
    """A ``vllm.LLM`` in this process, whose weights can be replaced; ``can_sleep`` holds on GPU only."""
    for name, value in _ALWAYS.items():
        os.environ.setdefault(name, value)
    import torch
    from vllm import LLM
    from vllm.config import WeightTransferConfig
    from vllm.platforms import current_platform

    from actors.engines.plugin import BACKEND, EXTENSION

    on_cpu = current_platform.is_cpu()
    if on_cpu and config.threads:
        torch.set_num_threads(config.threads)  # for processes that had imported torch before the environment
    kv_cache_mib = config.kv_cache_mib or (CPU_KV_MIB if on_cpu else None)
    llm = LLM(
        model=str(folder),
        skip_tokenizer_init=True,
        trust_remote_code=config.trust_remote_code,
        load_format="safetensors",
        generation_config="vllm",  # sampling settings come from the requests alone
        dtype=config.dtype,
        max_model_len=max_model_len,
        max_num_seqs=config.max_num_seqs,
        tensor_parallel_size=config.parallel,
        # On CPU vLLM compiles by what needs a C++ compiler, and TORCHDYNAMO_DISABLE forbids it.
        enforce_eager=config.enforce_eager or on_cpu,
        gpu_memory_utilization=config.gpu_memory_utilization,
        kv_cache_memory_bytes=None if kv_cache_mib is None else kv_cache_mib * 2**20,
        logprobs_mode="processed_logprobs",
        weight_transfer_config=WeightTransferConfig(backend=BACKEND),
        worker_extension_cls=EXTENSION,
        disable_log_stats=True,
        enable_prefix_caching=True,
        enable_sleep_mode=can_sleep and not on_cpu,  # it takes memory by an allocator of its own
        **_executor(config.parallel),
        **_device_options(on_cpu, max_model_len),
    )
    if on_cpu:
        from actors.engines.cpu_sampling import install

        llm.collective_rpc(install)
    return llm


def _executor(processes: int) -> dict[str, Any]:
    if "VLLM_RAY_BUNDLE_INDICES" in os.environ:
        # Shards that share their GPUs with ranks sit in several bundles (actors.placement.place).
        return {"distributed_executor_backend": "ray"}
    # Inside a placement group vLLM would start Ray actors of its own, on any node.
    return {"distributed_executor_backend": "mp"} if processes > 1 else {}


def _device_options(on_cpu: bool, max_model_len: int) -> dict[str, Any]:
    if not on_cpu:
        return {}
    # Splitting a prompt over two steps makes vLLM rewind the generators of seeded requests, which CPU
    # generators cannot (RuntimeError: CPU Generator does not use offset).
    return {
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(STEP_TOKENS, max_model_len),
        "block_size": CPU_BLOCK,
    }
