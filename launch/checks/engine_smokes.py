"""Ten-second proofs that each engine starts: a torch product, a vLLM generation, a Ray task; and that the
private names of libraries which we use are still there.

``run_smoke`` starts ``python -m launch.checks.engine_smokes NAME``, because an engine that dies may take
its process along, and because engines leave threads and shared memory behind.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from launch.checks.findings import Finding
from launch.checks.private_names import try_private_names
from psyche_rl.own_python import python, search_path
from psyche_rl.terminal.plain import echo

DEADLINE_S = 180.0  # cold imports from a slow disk take a minute; a hang takes for ever
ENV = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "TORCHDYNAMO_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "RAY_ADDRESS": "local",
}
# Random weights in the shape of the mini world's policy; vLLM on CPU wants a head size of 32 or more.
TINY_MODEL = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 128,
    "max_position_embeddings": 128, "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": False,
    "torch_dtype": "float32",
}  # fmt: skip


def torch_smoke() -> str:
    """A matrix product on the device a learner would use."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 256
    product = torch.ones(size, size, device=device) @ torch.ones(size, size, device=device)
    if float(product[0, 0]) != size:
        raise RuntimeError(f"{size} ones sum to {float(product[0, 0])}")
    return f"matmul on {device}, {torch.cuda.device_count()} CUDA devices"


def vllm_smoke() -> str:
    """A few tokens from a model with random weights, made on the fly."""
    from vllm import LLM, SamplingParams
    from vllm.inputs import TokensPrompt

    with tempfile.TemporaryDirectory(prefix="psyche-rl-doctor-") as folder:
        Path(folder, "config.json").write_text(json.dumps(TINY_MODEL), "utf-8")
        engine = LLM(
            folder,
            load_format="dummy",
            skip_tokenizer_init=True,
            dtype="float32",
            enforce_eager=True,
            max_model_len=64,
            max_num_seqs=4,
            kv_cache_memory_bytes=16 * 1024**2,
            disable_log_stats=True,
        )
        sampling = SamplingParams(max_tokens=8, ignore_eos=True, detokenize=False)
        output = engine.generate([TokensPrompt(prompt_token_ids=[5, 6, 7])], sampling, use_tqdm=False)
        count = len(output[0].outputs[0].token_ids)
    if count != 8:
        raise RuntimeError(f"asked for 8 tokens, got {count}")
    return f"generated {count} tokens"


def ray_smoke() -> str:
    """One task on a local Ray of its own."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    answer = ray.get(ray.remote(_add).remote(20, 22), timeout=60)
    ray.shutdown()
    if answer != 42:
        raise RuntimeError(f"20 + 22 came back as {answer}")
    return "one task on a local Ray"


def _add(left: int, right: int) -> int:
    return left + right


SMOKES: dict[str, Callable[[], str]] = {
    "torch": torch_smoke,
    "vLLM": vllm_smoke,
    "Ray": ray_smoke,
    "private-names": try_private_names,
}


def run_smoke(name: str, command: list[str] | None = None, deadline_s: float = DEADLINE_S) -> Finding:
    """Run one smoke in a process of its own; its last line of stdout is what it found."""
    what = "private names of libraries" if name == "private-names" else f"{name} starts"
    env = {**os.environ, **ENV, "PYTHONPATH": search_path()}
    remedy = f"see all of it: python -m launch.checks.engine_smokes {name}"
    command = command or python("-m", "launch.checks.engine_smokes", name)
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=deadline_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(what, "fail", f"no answer in {deadline_s:.0f} s", remedy)
    if done.returncode != 0:
        reason = _last_line(done.stderr) or f"exit code {done.returncode}"
        return Finding(what, "fail", reason, remedy)
    return Finding(what, "ok", f"{_last_line(done.stdout)} ({time.monotonic() - begun:.0f} s)")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


if __name__ == "__main__":
    echo(SMOKES[sys.argv[1]]())
