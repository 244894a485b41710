"""Who sees whom in a packed row, as a mask and as segments; and attention over segments.

Role: keeps packed sequences, and the responses to a shared prompt, apart.
Collaborators: ``packed_batch`` makes mask or segments; ``policy_model`` hands them to the model, whose
attention is looked up in transformers' registry under :data:`VARLEN`.
Invariants:
- A token sees itself and what stands before it in its own prompt and its own response, and nothing else.
- Mask and segments say the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from psyche_rl.errors import ModelError
from psyche_rl.learner.bundles import Bundle

VARLEN = "psyche_varlen"
"""Name in ``transformers.AttentionInterface``."""

Kernel = Callable[..., torch.Tensor]
"""``(query, key, value, segments, scale, window)`` -> [tokens, heads, size]."""


@dataclass(frozen=True)
class Segments:
    """One row cut into runs of queries, each with the keys that its last query sees.

    The keys of a run end with the run itself (causal, aligned at the end, as flash-attn does).
    """

    query_ends: torch.Tensor
    """[runs + 1] int32, cumulative tokens of the runs of queries."""
    key_ends: torch.Tensor
    """[runs + 1] int32, cumulative tokens of their keys."""
    keys: torch.Tensor | None
    """Positions of the keys, run by run; None where each run's keys are its own tokens."""
    longest_query: int
    longest_keys: int


def visible(owner: np.ndarray, prompt_of: np.ndarray, device: torch.device) -> torch.Tensor:
    """[rows, 1, width, width] bool of two [rows, width] arrays: each token's own run, and that of its
    prompt."""
    own, prompt = torch.from_numpy(owner).to(device), torch.from_numpy(prompt_of).to(device)
    key = own[:, None, :]
    seen = (key == own[:, :, None]) | (key == prompt[:, :, None])
    return seen.tril_()[:, None]


def segments_of(bundles: Sequence[Bundle], device: torch.device) -> Segments:
    """The segments of bundles that lie end to end."""
    runs = list(_runs(bundles))
    queries = [len(query) for query, _ in runs]
    lengths = [len(keys) for _, keys in runs]
    gathered = np.concatenate([keys for _, keys in runs]) if queries != lengths else None
    return Segments(
        query_ends=_ends(queries, device),
        key_ends=_ends(lengths, device),
        keys=None if gathered is None else torch.from_numpy(gathered).to(device),
        longest_query=max(queries),
        longest_keys=max(lengths),
    )


def _runs(bundles: Sequence[Bundle]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    at = 0
    for bundle in bundles:
        if len(bundle.responses) < 2:
            alone = np.arange(at, at + bundle.tokens)
            yield alone, alone
        else:
            prompt = np.arange(at, at + bundle.prompt)
            yield prompt, prompt
            start = at + bundle.prompt
            for tokens in bundle.responses:
                if tokens:
                    response = np.arange(start, start + tokens)
                    yield response, np.concatenate([prompt, response])
                start += tokens
        at += bundle.tokens


def _ends(lengths: Sequence[int], device: torch.device) -> torch.Tensor:
    return torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32, device=device)


def varlen_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    segments: Segments | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one row of segments, in the form that transformers' models call.

    Args:
        query: [1, heads, tokens, size]; key and value perhaps with fewer heads.
        segments: what :class:`PolicyModel` passes on to every layer.

    Raises:
        ModelError: the model passed no segments on, so that its sequences would see each other, or its
            attention has more to it (soft-capped scores, sinks).
    """
    if segments is None or softcap is not None or s_aux is not None:
        wrong = "passes no segments on" if segments is None else "caps its scores or has sinks"
        raise ModelError(
            f"learner.attention: the model {wrong}, so 'varlen' cannot serve it; take sdpa or eager"
        )
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    if segments.keys is not None:
        k, v = k[segments.keys], v[segments.keys]
    window = (-1, 0) if sliding_window is None else (sliding_window - 1, 0)
    scale = scaling if scaling is not None else q.shape[-1] ** -0.5
    return kernel(q.device.type)(q, k, v, segments, scale, window)[None], None


def attention_of(wanted: str, device: torch.device, compute: torch.dtype) -> Callable[[Any], str]:
    """Model config -> the name that transformers looks the attention up by.

    Args:
        wanted: ``learner.attention``: a name, or "auto".
        compute: the type of the forward pass; kernels of variable length take half precision.
    """

    def choose(config: Any) -> str:
        if wanted == "varlen":
            return VARLEN
        if wanted != "auto":
            return wanted
        if getattr(config.get_text_config(), "attn_logit_softcapping", None) is not None:
            return "eager"  # the only one that caps its scores
        half = compute in (torch.bfloat16, torch.float16)
        return VARLEN if device.type == "cuda" and half else "sdpa"

    register()
    return choose


def register() -> None:
    """Make :data:`VARLEN` known to transformers; without a mask function, so that no mask is built."""
    from transformers import AttentionInterface

    AttentionInterface.register(VARLEN, varlen_attention)


@functools.cache
def kernel(device: str) -> Kernel:
    """The fastest kernel there is: flash-attn 2 where it is installed, else torch's own; on CPU plain
    torch."""
    if device != "cuda":
        return _run_by_run
    return _flash_attn_2 if has_flash_attn_2() else _torch_varlen


def has_flash_attn_2() -> bool:
    """Whether flash-attn of the second generation is here (the fourth has the same import name)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("flash-attn").startswith("2.")
    except PackageNotFoundError:
        return False


def _run_by_run(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Segments,
    scale: float,
    window: tuple[int, int],
) -> torch.Tensor:
    """One run after another, for devices without a kernel of variable length."""
    parts = []
    query_ends, key_ends = segments.query_ends.tolist(), segments.key_ends.tolist()
    for run in range(len(query_ends) - 1):
        q = query[query_ends[run] : query_ends[run + 1]].transpose(0, 1)
        k, v = (t[key_ends[run] : key_ends[run + 1]].transpose(0, 1) for t in (key, value))
        ages = torch.arange(q.shape[1])[:, None] + k.shape[1] - q.shape[1] - torch.arange(k.shape[1])
        seen = (ages >= 0) if window[0] < 0 else (ages >= 0) & (ages <= window[0])
        out = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=seen.to(q.device), scale=scale, enable_gqa=True
        )
        parts.append(out.transpose(0, 1))
    return torch.cat(parts)


def _torch_varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Segments,
    scale: float,
    window: tuple[int, int],
) -> torch.Tensor:
    """``torch.nn.attention.varlen`` (CUDA, half precision). Not run: no GPU was at hand."""
    from torch.nn.attention.varlen import varlen_attn

    out: Any = varlen_attn(
        query, key, value, *_extents(segments), scale=scale, window_size=window, enable_gqa=True
    )
    return out  # type: ignore[no-any-return]


def _flash_attn_2(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Segments,
    scale: float,
    window: tuple[int, int],
) -> torch.Tensor:
    """flash-attn 2 (CUDA, half precision). Not run: no GPU was at hand."""
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

    out: torch.Tensor = flash_attn_varlen_func(
        query, key, value, *_extents(segments), softmax_scale=scale, causal=True, window_size=window
    )
    return out


def _extents(segments: Segments) -> tuple[torch.Tensor, torch.Tensor, int, int]:
    return segments.query_ends, segments.key_ends, segments.longest_query, segments.longest_keys
