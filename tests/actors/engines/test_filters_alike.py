"""The learner's filter against vLLM's function: equal sets on equal logits, bit for bit, ties and all."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

from psyche_rl.learner.sampling_filter import leave_out
from psyche_rl.rollout.sampling import Sampling

INF = float("inf")
# Few values, so that ties are common and sums of equal shares hit the edge of top-p exactly; or any.
entries = st.one_of(
    st.sampled_from([-3.0, -0.5, 0.0, 0.25, 4.0]), st.floats(-20, 20, width=32), st.just(-INF)
)
rows_of_logits = st.integers(2, 40).flatmap(
    lambda vocabulary: st.lists(
        st.lists(entries, min_size=vocabulary, max_size=vocabulary).filter(lambda row: max(row) > -INF),
        min_size=1,
        max_size=5,
    )
)
samplings = st.builds(
    Sampling,
    top_p=st.one_of(st.sampled_from([0.01, 0.25, 0.4, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0]), st.floats(1e-3, 1)),
    top_k=st.one_of(st.none(), st.integers(1, 45)),
)


def by_vllm(logits, sampling):
    """What a request of that sampling is left with, asked as vLLM's own sampler asks."""
    rows, vocabulary = logits.shape
    k = None if sampling.top_k is None else torch.full((rows,), min(sampling.top_k, vocabulary))
    p = torch.full((rows,), sampling.top_p) if sampling.top_p < 1 else None
    return apply_top_k_top_p_pytorch(logits.clone(), k, p, allow_cpu_sync=True)


@given(rows_of_logits, samplings)
def test_the_sets_are_vllms(rows, sampling):
    logits = torch.tensor(rows)
    wanted = by_vllm(logits, sampling)
    assert torch.equal(leave_out(logits, sampling), wanted)


@pytest.mark.parametrize("top_p", [1.0, 0.9])
@pytest.mark.parametrize("top_k", [None, 20])
def test_whole_vocabularies(top_p, top_k):
    sampling = Sampling(1.0, top_p, top_k)
    logits = torch.randn(40, 3000, generator=torch.Generator().manual_seed(3)) * 3
    coarse = logits.bfloat16().float()  # what an engine in bfloat16 filters: ties everywhere
    for given_logits in (logits, coarse):
        assert torch.equal(leave_out(given_logits.clone(), sampling), by_vllm(given_logits, sampling))
