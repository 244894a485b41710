"""Which attention a model computes with, and which kernel is behind it."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest
import torch

from psyche_rl.learner import attention
from psyche_rl.learner.attention import VARLEN, attention_of, kernel, segments_of
from psyche_rl.learner.bundles import Bundle

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def config(**text):
    return SimpleNamespace(get_text_config=lambda: SimpleNamespace(**text))


@pytest.mark.parametrize(
    ("wanted", "device", "compute", "text", "chosen"),
    [
        ("auto", CPU, torch.bfloat16, {}, "sdpa"),
        ("auto", CUDA, torch.bfloat16, {}, VARLEN),
        ("auto", CUDA, torch.float16, {}, VARLEN),
        ("auto", CUDA, torch.float32, {}, "sdpa"),  # the kernels take half precision
        ("auto", CUDA, torch.bfloat16, {"attn_logit_softcapping": 50.0}, "eager"),
        ("auto", CUDA, torch.bfloat16, {"attn_logit_softcapping": None}, VARLEN),
        ("varlen", CPU, torch.float64, {}, VARLEN),
        ("sdpa", CUDA, torch.bfloat16, {}, "sdpa"),
        ("eager", CUDA, torch.bfloat16, {}, "eager"),
    ],
)
def test_which_attention_a_model_gets(wanted, device, compute, text, chosen):
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    assert attention_of(wanted, device, compute)(config(**text)) == chosen
    assert ALL_ATTENTION_FUNCTIONS[VARLEN] is attention.varlen_attention


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ("2.8.3", "_flash_attn_2"),
        ("4.0.0b1", "_torch_varlen"),
        ("1.0.9", "_torch_varlen"),
        (None, "_torch_varlen"),
    ],
)
def test_flash_attn_of_another_generation_is_not_taken(monkeypatch, installed, expected):
    def version(name):
        assert name == "flash-attn"
        if installed is None:
            raise importlib.metadata.PackageNotFoundError
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    kernel.cache_clear()
    try:
        assert kernel("cuda") is getattr(attention, expected)
        assert kernel("cpu") is attention._run_by_run
    finally:
        kernel.cache_clear()


def test_the_kernels_get_what_their_libraries_take(monkeypatch):
    """Neither has run: no GPU was at hand. The arguments are those of the installed signatures."""
    import inspect

    from torch.nn.attention import varlen

    segments = segments_of([Bundle((0, 1), 3, (2, 1)), Bundle((2,), 2, (2,))], CPU)
    assert segments.query_ends.tolist() == [0, 3, 5, 6, 10]
    assert segments.key_ends.tolist() == [0, 3, 8, 12, 16]
    assert segments.keys.tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 5, 6, 7, 8, 9]
    assert (segments.longest_query, segments.longest_keys) == (4, 5)
    assert segments.query_ends.dtype == segments.key_ends.dtype == torch.int32
    seen = {}
    signature = inspect.signature(varlen.varlen_attn)

    def fake(*given, **named):
        seen.update(signature.bind(*given, **named).arguments)
        return given[0]

    monkeypatch.setattr(varlen, "varlen_attn", fake)
    q, k = torch.zeros(10, 4, 8), torch.zeros(16, 2, 8)
    attention._torch_varlen(q, k, k, segments, 0.5, (-1, 0))
    assert seen["cu_seq_q"] is segments.query_ends
    assert seen["cu_seq_k"] is segments.key_ends
    assert (seen["max_q"], seen["max_k"], seen["scale"]) == (4, 5, 0.5)
    assert (seen["window_size"], seen["enable_gqa"]) == ((-1, 0), True)
    assert torch.equal(signature.bind(q, k, k, 1, 1, 1, 1).arguments["query"], q)


def test_neighbours_alone_need_no_gathering():
    segments = segments_of([Bundle((0,), 3, (2,)), Bundle((1,), 1, (0,))], CPU)
    assert segments.keys is None
    assert segments.query_ends.tolist() == segments.key_ends.tolist() == [0, 5, 6]


@pytest.mark.parametrize("window", [(-1, 0), (1, 0)])
def test_run_by_run_is_the_attention_written_out_also_where_heads_share_their_keys(window):
    draw = torch.Generator().manual_seed(0)
    segments = segments_of([Bundle((0, 1), 3, (2, 1))], CPU)  # a prompt of 3, then replies of 2 and 1
    query = torch.randn(6, 4, 8, generator=draw, dtype=torch.float64)
    key, value = (torch.randn(6, 2, 8, generator=draw, dtype=torch.float64) for _ in range(2))
    gathered = key[segments.keys], value[segments.keys]
    found = attention._run_by_run(query, *gathered, segments, 0.5, window)
    seen_by = {0: [0], 1: [0, 1], 2: [0, 1, 2], 3: [0, 1, 2, 3], 4: [0, 1, 2, 3, 4], 5: [0, 1, 2, 5]}
    for at, before in seen_by.items():
        seen = before if window[0] < 0 else before[-window[0] - 1 :]
        for head in range(4):
            weights = torch.softmax(0.5 * key[seen, head // 2] @ query[at, head], dim=0)
            assert torch.allclose(found[at, head], weights @ value[seen, head // 2], atol=1e-12)
