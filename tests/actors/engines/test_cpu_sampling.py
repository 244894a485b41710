"""Draws by inversion: the distribution that the logits state, and each row by its own generator."""

import numpy as np
import pytest
import torch

from actors.engines.cpu_sampling import CACHED, draw


def generators(rows, seed=0):
    return {row: torch.Generator().manual_seed(seed + row) for row in rows}


def test_tokens_come_as_often_as_their_probability_says():
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.15, 0.05, 0.0])
    rows = 20_000
    logits = probabilities.log().repeat(rows, 1)
    tokens, logprobs = draw(logits, generators(range(rows)), None, None)
    shares = np.bincount(tokens.numpy(), minlength=6) / rows
    assert shares == pytest.approx(probabilities.numpy(), abs=4 * 0.5 / rows**0.5)
    assert shares[[1, 5]].tolist() == [0, 0], "what cannot come never does"
    assert logprobs[0].numpy() == pytest.approx(probabilities.log().numpy())


def test_a_row_is_drawn_by_its_own_generator_whatever_stands_beside_it():
    vocabulary = 3000  # several parts of CACHED
    rows = 2 * CACHED // vocabulary + 3
    logits = torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(1))
    tokens, logprobs = draw(logits.clone(), generators(range(rows)), None, None)
    for row in (0, rows // 2, rows - 1):
        alone, by = draw(logits[row : row + 1].clone(), generators([0], seed=row), None, None)
        assert alone[0] == tokens[row]
        height = torch.rand(1, dtype=torch.float64, generator=torch.Generator().manual_seed(row))
        reached = np.exp(np.float64(logits[row] - torch.logsumexp(logits[row], 0))).cumsum()
        assert tokens[row] == np.searchsorted(reached, float(height) * reached[-1], side="right")
        assert torch.equal(by[0], logprobs[row])
    assert torch.allclose(logprobs, logits.log_softmax(-1))


def test_top_k_and_top_p_leave_the_others_out():
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log().repeat(400, 1)
    k = torch.full((400,), 2, dtype=torch.int32)
    tokens, logprobs = draw(logits.clone(), generators(range(400)), k, None)
    assert set(tokens.tolist()) == {0, 1}
    assert logprobs[0].exp().tolist() == pytest.approx([4 / 7, 3 / 7, 0, 0])
    p = torch.full((400,), 0.6)
    tokens, logprobs = draw(logits.clone(), generators(range(400)), None, p)
    assert set(tokens.tolist()) == {0, 1}


def test_a_row_without_a_seed_draws_from_torchs_own_generator():
    logits = torch.zeros(50, 97)
    torch.manual_seed(5)
    first, _ = draw(logits.clone(), {}, None, None)
    second, _ = draw(logits.clone(), {}, None, None)
    torch.manual_seed(5)
    again, _ = draw(logits.clone(), {}, None, None)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
