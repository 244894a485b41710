"""The names of libraries that we use although nobody promised them.

Role: one list, each with its reason; ``psyche-rl doctor`` tries them one by one in a process of its own.
Collaborators: ``launch.checks.engine_smokes`` starts that process; a test holds the list complete.
Invariants:
- Private is a name with an underscore in front, and all of verl and of the parts of vLLM that change without
  notice.
- Trying a name imports its module and calls nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, NamedTuple


class PrivateName(NamedTuple):
    """A dotted name, and why nothing public does."""

    name: str
    reason: str


_CHECKPOINT = "torch.distributed.checkpoint._fsspec_filesystem"
_ALGORITHMS = "verl.trainer.ppo.core_algos"
_TRANSFER = "vllm.distributed.weight_transfer"
_EXPERTS = "vllm.model_executor.layers.fused_moe"
_RELOAD = "vllm.model_executor.model_loader.reload"
PRIVATE_NAMES = (
    PrivateName("altair.utils._importers.vl_version_for_vl_convert", "which Vega-Lite goes into a page"),
    PrivateName("ray._private.authentication.authentication_token_setup", "its logger warns at every start"),
    PrivateName("ray._private.state.state", "which nodes are drained, and how far an autoscaler may go"),
    PrivateName("ray._private.worker._global_node", "where the session of a named pool has its folder"),
    PrivateName(
        "ray.data._internal.cluster_autoscaler.default_autoscaling_coordinator.DefaultAutoscalingCoordinator",
        "adds up what we, Ray Data and Ray Train ask of the autoscaler",
    ),
    PrivateName("ray._private.worker.print_to_stdstream", "what Ray says of the cluster goes to stderr"),
    PrivateName("ray._private.utils.read_ray_address", "an address that a ``ray start`` left behind"),
    PrivateName("torch._foreach_mul_", "gradients scaled in one kernel"),
    PrivateName("torch._foreach_norm", "norms of all gradients in one kernel"),
    PrivateName(f"{_CHECKPOINT}.FileSystem", "checkpoints written to a run folder with a URL"),
    PrivateName(
        "transformers.PreTrainedModel._adjust_missing_and_unexpected_keys",
        "which tensors of a folder a model does without",
    ),
    PrivateName("verl.trainer.config.AlgoConfig", "settings that the estimators read"),
    PrivateName(f"{_ALGORITHMS}.ADV_ESTIMATOR_REGISTRY", "the estimators by name"),
    PrivateName(f"{_ALGORITHMS}.POLICY_LOSS_REGISTRY", "the policy losses by name"),
    PrivateName(f"{_ALGORITHMS}.agg_loss", "verl's aggregation, not one of our own"),
    PrivateName(f"{_ALGORITHMS}.get_adv_estimator_fn", "an estimator by its name"),
    PrivateName(f"{_ALGORITHMS}.get_policy_loss_fn", "a policy loss by its name"),
    PrivateName(f"{_ALGORITHMS}.kl_penalty", "verl's KL estimators, not our own"),
    PrivateName("verl.workers.config.ActorConfig", "settings that the policy losses read"),
    PrivateName("verl.workers.config.PolicyLossConfig", "settings that the policy losses read"),
    PrivateName(f"{_TRANSFER}.base.WeightTransferEngine", "the base of our weight backend"),
    PrivateName(f"{_TRANSFER}.base.ParamMeta", "what a tensor on its way is announced by"),
    PrivateName(f"{_TRANSFER}.base.WeightSource", "what vLLM's senders take tensors from"),
    PrivateName(f"{_TRANSFER}.ipc_engine.IPCTrainerInitInfo", "vLLM's own way by CUDA IPC"),
    PrivateName(f"{_TRANSFER}.nccl_engine.NCCLTrainerInitInfo", "vLLM's own way by NCCL"),
    PrivateName(f"{_TRANSFER}.factory.WeightTransferEngineFactory.create_engine", "an engine's receiver"),
    PrivateName(f"{_TRANSFER}.factory.WeightTransferTrainerFactory.trainer_init", "the learner's sender"),
    PrivateName(
        "verl.trainer.ppo.rollout_corr_helper.compute_rollout_correction_weights",
        "verl's truncated importance sampling",
    ),
    PrivateName(f"{_TRANSFER}.base.WeightTransferUpdateInfo", "what one update carries"),
    PrivateName(
        f"{_TRANSFER}.factory.WeightTransferEngineFactory._registry",
        "a second registration of the backend is an error; nothing public asks for the first",
    ),
    PrivateName(
        f"{_TRANSFER}.factory.WeightTransferEngineFactory.register_engine",
        "makes the backend known in a worker's process",
    ),
    PrivateName(
        f"{_EXPERTS}.oracle.unquantized.UnquantizedMoeBackend.CPU", "experts that vLLM packs for a CPU"
    ),
    PrivateName(
        f"{_EXPERTS}.unquantized_fused_moe_method.UnquantizedFusedMoEMethod",
        "experts, packed anew after an update",
    ),
    PrivateName("vllm.model_executor.layers.vocab_parallel_embedding.ParallelLMHead", "tied heads, repacked"),
    PrivateName(f"{_RELOAD}.finalize_layerwise_reload", "repacks weights for the kernels"),
    PrivateName(f"{_RELOAD}.initialize_layerwise_reload", "puts layers back into checkpoint format"),
    PrivateName(
        "vllm.v1.engine.output_processor.RequestState", "how many tokens a request has when weights change"
    ),
    PrivateName("vllm.v1.sample.ops.topk_topp_sampler.apply_top_k_top_p", "vLLM's filters, not our own"),
)


def lost_names(names: Iterable[str]) -> list[str]:
    """Those that the installed versions do not have."""
    return [name for name in names if not _is_there(name)]


def try_private_names() -> str:
    """A line that says how many names were found.

    Raises:
        RuntimeError: names those that the installed versions lost.
    """
    lost = lost_names(private.name for private in PRIVATE_NAMES)
    if lost:
        raise RuntimeError(f"not in the installed versions: {', '.join(lost)}")
    return f"{len(PRIVATE_NAMES)} names found"


def _is_there(name: str) -> bool:
    parts = name.split(".")
    found: Any = None
    for depth in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:depth]))
        except ImportError:
            continue
        return _has(found, parts[depth:])
    return False


def _has(found: Any, attributes: list[str]) -> bool:
    for attribute in attributes:
        if not hasattr(found, attribute):
            return False
        found = getattr(found, attribute)
    return True
