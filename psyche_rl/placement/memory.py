"""What a process holds of its device and of its host, term by term, in bytes.

Role: arithmetic on a :class:`ModelSize` and the stage's settings; the planner adds up who sits together.
Collaborators: ``psyche_rl.learner`` (what is kept in which type, what FSDP2 gathers), vLLM (a share of the
device, or a fixed cache).
Invariants:
- Every term names the key that makes it smaller, so that a refusal can say what to turn.
- Terms are upper estimates within a few percent: the figures of RUNTIME-FACTS.md for 7.6 billion parameters
  on 8, 4 and 2 ranks are a test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.logits_chunk import LOGITS_PER_CHUNK
from psyche_rl.placement.cluster_shape import GIB
from psyche_rl.placement.model_size import ModelSize

BYTES = {"bfloat16": 2, "float32": 4, "float64": 8, "auto": 2}
"""Of a number; vLLM's ``auto`` is bfloat16 for every model that is larger than the mini world's."""
_LOGIT_COPIES = 4
"""Logits and their log-softmax, and the gradients of both, in float32."""
_HIDDEN_KEPT, _INNER_KEPT = 10, 5
"""Activations of one token in one layer that the backward pass wants, in widths of the two kinds."""
_SLACK = 0.1
"""What torch's allocator loses to fragmentation."""
DEVICE_BASE = 2 * GIB
"""CUDA context, kernels and communication buffers of a process."""
HOST_BASE = {True: 3 * GIB, False: GIB * 3 // 4}
"""A process with torch or vLLM, on a machine with GPUs and on one without (measured: 0.75 GB)."""
PROCESSES = "processes"
"""What a term of :data:`HOST_BASE` and the like is called."""
MOVING = frozenset(
    {"gathered weights", "gathered gradients", "activations", "logits chunk", "allocator's slack"}
)
"""What a learner's terms are called that it holds within a pass only."""
REWARD_WORKER = GIB // 4
_STEP_TOKENS = 8192
"""Tokens of one scheduler step of vLLM."""
_OBJECTS = 2
"""Published versions in the object store at once: the one that is served, and the next."""


@dataclass(frozen=True)
class Term:
    """One entry of a memory plan."""

    what: str
    size: int
    """In bytes."""
    key: str = ""
    """What makes it smaller; empty: nothing does."""


Terms = tuple[Term, ...]


def total(terms: Iterable[Term]) -> int:
    """In bytes."""
    return sum(term.size for term in terms)


def learner_terms(
    size: ModelSize, config: LearnerConfig, ranks: int, reference: bool, section: str = "grpo"
) -> Terms:
    """Of one of ``ranks`` FSDP2 ranks on its device; ``reference``: a frozen copy is sharded beside it."""
    compute = BYTES[config.dtype]
    master = 4 if compute == 2 else compute
    of_ranks, tokens = f"{section}.ranks", f"{section}.learner.micro_batch_tokens"
    kept = [
        Term("weights in float32" if compute == 2 else "weights", size.trained * master // ranks, of_ranks)
    ]
    if size.adapters:
        kept = [Term("frozen weights", size.parameters * compute // ranks, of_ranks), *kept]
    kept += [
        Term("optimizer moments", 2 * size.trained * master // ranks, of_ranks),
        Term("gradients", size.trained * master // ranks, of_ranks),
    ]
    if reference and not size.adapters:
        kept.append(Term("reference", size.parameters * compute // ranks, of_ranks))
    moving = [
        Term("gathered weights", (size.outside_layers + 2 * size.in_one_layer) * compute),
        Term("gathered gradients", _gathered_gradients(size, compute, master)),
        Term("activations", _activations(size, config, compute), _activations_key(config, section)),
        Term("logits chunk", _logits(size, config, compute), tokens),
    ]
    return (*kept, *moving, Term("allocator's slack", int(_SLACK * total(moving))), Term("CUDA", DEVICE_BASE))


def _gathered_gradients(size: ModelSize, compute: int, master: int) -> int:
    """Of the root group, whole until the backward pass ends, and of a layer on its way to be reduced."""
    if size.adapters:
        return 0
    return size.outside_layers * compute + size.in_one_layer * (compute + master)


def _activations(size: ModelSize, config: LearnerConfig, compute: int) -> int:
    one_layer = _HIDDEN_KEPT * size.hidden + _INNER_KEPT * size.intermediate
    if config.gradient_checkpointing:
        a_token = size.layers * size.hidden + one_layer
    else:
        a_token = size.layers * one_layer
    return config.micro_batch_tokens * a_token * compute


def _activations_key(config: LearnerConfig, section: str) -> str:
    return f"{section}.learner." + (
        "micro_batch_tokens" if config.gradient_checkpointing else "gradient_checkpointing"
    )


def _logits(size: ModelSize, config: LearnerConfig, compute: int) -> int:
    held = min(LOGITS_PER_CHUNK, config.micro_batch_tokens * size.vocab)
    return held * (_LOGIT_COPIES * max(4, compute) + compute)


def frozen_terms(size: ModelSize, config: LearnerConfig) -> Terms:
    """Of a member of an own pool of reference models: a whole model that is only asked."""
    compute = BYTES[config.dtype]
    moving = (
        Term("activations", config.micro_batch_tokens * compute * (2 * size.hidden + 3 * size.intermediate),
             "grpo.learner.micro_batch_tokens"),
        Term("logits chunk", _logits(size, config, compute) // 2, "grpo.learner.micro_batch_tokens"),
    )  # fmt: skip
    weights = Term("weights", size.parameters * compute, "grpo.reference_workers")
    return (
        weights,
        *moving,
        Term("allocator's slack", int(_SLACK * total(moving))),
        Term("CUDA", DEVICE_BASE),
    )


def engine_terms(size: ModelSize, config: EngineConfig, parallel: int, device: int, section: str) -> Terms:
    """Of a vLLM engine on each of its ``parallel`` devices, which have ``device`` bytes each (0: not known).

    The cache is the size that is set, or all that ``gpu_memory_utilization`` leaves. At least it holds one
    request of the greatest length, without which vLLM does not start.
    """
    element = BYTES[config.dtype]
    weights = Term("weights", size.parameters * element // parallel, f"{section}.tensor_parallel_size")
    step = _STEP_TOKENS * element * (6 * size.hidden + 3 * size.intermediate // parallel)
    sampling = 2 * 4 * config.max_num_seqs * size.vocab
    work = Term("activations and graphs", step + sampling, f"{section}.max_num_seqs")
    fixed = (weights, work, Term("CUDA", DEVICE_BASE))
    least = config.max_model_len * size.kv_bytes(element) // min(parallel, size.kv_heads)
    if config.kv_cache_mib:
        return (*fixed, Term("KV cache", max(config.kv_cache_mib * 2**20, least), f"{section}.kv_cache_mib"))
    room = int(config.gpu_memory_utilization * device) - total(fixed)
    if room >= least:
        return (*fixed, Term("KV cache", room, f"{section}.gpu_memory_utilization"))
    return (*fixed, Term("KV cache of one request", least, f"{section}.max_model_len"))


def learner_host_terms(size: ModelSize, config: LearnerConfig, ranks: int, on_gpu: bool) -> Terms:
    """Of a rank on its host, while it loads, saves and publishes."""
    master = 4 if BYTES[config.dtype] == 2 else BYTES[config.dtype]
    return (
        Term(PROCESSES, HOST_BASE[on_gpu]),
        Term("a tensor while loading", size.largest_tensor * (BYTES[config.dtype] + master)),
        Term("checkpoint on its way", 3 * size.trained * master // ranks, "grpo.ranks"),
    )


def engine_host_terms(size: ModelSize, parallel: int, on_gpu: bool) -> Terms:
    """Of an engine's processes on their host."""
    return (
        Term(PROCESSES, HOST_BASE[on_gpu] * (parallel + (parallel > 1))),
        Term("a tensor while loading", size.largest_tensor * 2),
    )


def publishing_terms(size: ModelSize, element: int) -> tuple[Terms, Terms]:
    """Of the published weights: on the first rank's host, and on every host of the stage (object store)."""
    weights = size.parameters * element
    return (
        (Term("published weights, gathered", weights),),
        (Term("object store, two versions", _OBJECTS * weights),),
    )
