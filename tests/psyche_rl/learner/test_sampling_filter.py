"""The learner's top-k and top-p: the sets that vLLM keeps, and a gradient through the kept entries alone."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from plain_filter import filtered_log_softmax, kept

from psyche_rl.learner import sampling_filter
from psyche_rl.learner.sampling_filter import leave_out
from psyche_rl.learner.token_logprobs import CACHED, token_logprobs
from psyche_rl.rollout.sampling import PLAIN, Sampling

COMBINATIONS = [Sampling(*values) for values in itertools.product((0.5, 1.0, 1.7), (1.0, 0.9), (None, 20))]
INF = float("inf")


# Few values, so that ties are common, or any.
entries = st.one_of(
    st.sampled_from([-3.0, -0.5, 0.0, 0.25, 4.0]), st.floats(-20, 20, width=32), st.just(-INF)
)


@given(
    st.lists(entries, min_size=2, max_size=40).filter(lambda row: max(row) > -INF),
    st.one_of(st.just(1.0), st.floats(1e-3, 1)),
    st.one_of(st.none(), st.integers(1, 45)),
)
def test_the_sets_are_those_of_a_list_that_is_cut_off(row, top_p, top_k):
    """Ties in any place; but an edge of top-p that rounding decides is left to the test against vLLM."""
    sampling = Sampling(1.0, top_p, top_k)
    sets = [kept(row, Sampling(1.0, p, top_k)) for p in (top_p * (1 - 1e-5), top_p, top_p * (1 + 1e-5))]
    assume(top_p == 1 or all(np.array_equal(sets[1], other) for other in sets))
    found = leave_out(torch.tensor([row]), sampling)[0]
    inside = found.isfinite().numpy()
    assert torch.equal(found[inside], torch.tensor(row)[inside])
    # Which of equal entries at the edge stay is up to torch's sort, of which vLLM takes the same.
    assert sorted(np.array(row)[inside]) == sorted(value for value in np.array(row)[sets[1]] if value > -INF)


@pytest.mark.parametrize("sampling", COMBINATIONS)
def test_a_whole_vocabulary(sampling):
    logits = torch.randn(40, 3000, generator=torch.Generator().manual_seed(3)) * 3
    found = leave_out(logits.clone(), sampling)
    for row, left in zip(logits, found, strict=True):
        assert np.array_equal(kept(row.numpy(), sampling), np.isfinite(left.numpy()))
    assert bool((found == logits).all()) is not sampling.filters


def test_a_set_by_hand():
    shares = torch.tensor([[0.1, 0.4, 0.2, 0.3]])

    def left(**how):
        return leave_out(shares.log(), Sampling(**how)).isfinite()[0].tolist()

    assert left(top_k=2) == [False, True, False, True]
    assert left(top_k=4) == left(top_k=9) == left() == [True] * 4
    assert left(top_p=0.65) == [False, True, False, True]
    assert left(top_p=0.75) == [False, True, True, True]
    assert left(top_p=0.01) == [False, True, False, False]
    assert left(top_k=3, top_p=0.78) == [False, True, True, True], "of 4/9, 3/9 and 2/9"
    assert left(top_k=3, top_p=0.77) == [False, True, False, True], "7/9 is enough"
    far = torch.tensor([[0.0, -200.0]])  # a probability that float32 cannot hold is none of top-p's business
    for whole in (Sampling(), Sampling(top_k=2)):
        assert leave_out(far.clone(), whole).tolist() == far.tolist()
    equal = torch.zeros(1, 4)
    assert leave_out(equal.clone(), Sampling(top_k=2)).isfinite().sum() == 4, "all tie with the second"
    assert leave_out(equal.clone(), Sampling(top_p=0.6)).isfinite().sum() == 3
    assert leave_out(equal.clone(), Sampling(top_p=0.5)).isfinite().sum() == 2, "half is half"


def test_rows_are_sorted_a_few_at_a_time(monkeypatch):
    logits = torch.randn(11, 50, generator=torch.Generator().manual_seed(0))
    whole = [leave_out(logits.clone(), s) for s in COMBINATIONS]
    for entries in (1, 100, 149, 550):
        monkeypatch.setattr(sampling_filter, "SORTED", entries)
        for sampling, wanted in zip(COMBINATIONS, whole, strict=True):
            assert torch.equal(leave_out(logits.clone(), sampling), wanted)
    assert leave_out(torch.zeros(0, 50), Sampling(top_p=0.5)).shape == (0, 50)


@pytest.mark.parametrize("sampling", [Sampling(top_k=2), Sampling(top_p=0.5), Sampling(1.0, 0.5, 2)])
def test_what_is_not_a_number_stays_so(sampling):
    logits = torch.tensor([[1.0, float("nan"), 0.0], [1.0, 2.0, 0.0]])
    found = leave_out(logits, sampling)
    assert bool(found[0].isnan().any())
    assert not found[1].isnan().any()


@pytest.mark.parametrize("sampling", COMBINATIONS)
def test_values_and_gradients_are_of_the_kept_entries_normalised_again(sampling):
    rows, vocabulary = CACHED // 900 + 3, 900  # more than one part
    dice = torch.Generator().manual_seed(1)
    logits = torch.randn(rows, vocabulary, generator=dice, dtype=torch.float64) * 3
    given = logits.clone()
    targets = logits.softmax(-1).multinomial(1, generator=dice)[:, 0]
    logits.requires_grad_()
    every = filtered_log_softmax(logits, sampling)
    right = every.gather(1, targets[:, None])[:, 0]
    inside = right.detach() > -INF
    assert bool(inside.all()) is not sampling.filters, "some targets must be outside"
    entropies = -(every.exp() * every.masked_fill(every == -INF, 0.0)).sum(-1)
    weights = torch.linspace(-1, 2, rows, dtype=torch.float64)
    of_inside = (weights * right.masked_fill(~inside, 0.0)).sum()
    (wanted,) = torch.autograd.grad(of_inside + 0.3 * (weights**2 * entropies).sum(), logits)

    logprobs, entropy = token_logprobs(logits, targets, sampling, entropy=True)
    torch.testing.assert_close(logprobs, right, rtol=0, atol=1e-11)
    torch.testing.assert_close(entropy, entropies, rtol=0, atol=1e-11)
    # The rows outside are not zeroed here: their own token has no gradient.
    (found,) = torch.autograd.grad((weights * logprobs).sum() + 0.3 * (weights**2 * entropy).sum(), logits)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-11)
    assert torch.equal(logits.detach(), given), "the logits themselves stay as they are"


def test_nothing_is_filtered_unless_asked_for():
    assert not PLAIN.filters
    assert not Sampling(0.5).filters
    assert Sampling(top_p=0.999).filters
    assert Sampling(top_k=1000).filters
