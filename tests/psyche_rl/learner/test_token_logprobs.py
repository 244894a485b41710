"""Log-probability, entropy and gradient against torch's own functions, in float64 to rounding."""

import pytest
import torch

from psyche_rl.learner.token_logprobs import CACHED, token_logprobs
from psyche_rl.rollout.sampling import Sampling


def of_torch(logits, targets, temperature):
    every = torch.log_softmax(logits / temperature, -1)
    return every.gather(1, targets[:, None])[:, 0], -(every.exp() * every).sum(-1)


def case(rows=7, vocabulary=11, dtype=torch.float64, scale=3.0):
    dice = torch.Generator().manual_seed(0)
    logits = torch.randn(rows, vocabulary, generator=dice, dtype=torch.float64) * scale
    targets = torch.randint(vocabulary, (rows,), generator=dice)
    return logits.to(dtype).requires_grad_(), targets


@pytest.mark.parametrize("temperature", [1.0, 0.5, 1.7])
@pytest.mark.parametrize("rows", [0, 1, 7, 2 * (CACHED // 5000) + 1])
def test_values_and_gradients_are_torchs(rows, temperature):
    logits, targets = case(rows, 5000)
    weights = torch.linspace(-1, 2, rows, dtype=torch.float64)
    logprobs, entropy = token_logprobs(logits, targets, Sampling(temperature), entropy=True)
    (of,) = torch.autograd.grad((weights * logprobs).sum() + 0.3 * (weights**2 * entropy).sum(), logits)
    wanted_logprobs, wanted_entropy = of_torch(logits, targets, temperature)
    loss = (weights * wanted_logprobs).sum() + 0.3 * (weights**2 * wanted_entropy).sum()
    (wanted,) = torch.autograd.grad(loss, logits)
    for found, right in ((logprobs, wanted_logprobs), (entropy, wanted_entropy), (of, wanted)):
        torch.testing.assert_close(found, right, rtol=0, atol=1e-11)


def test_without_the_entropy_its_gradient_is_left_out():
    logits, targets = case()
    logprobs, entropy = token_logprobs(logits, targets)
    assert entropy.tolist() == [0] * 7
    (of,) = torch.autograd.grad(logprobs.sum(), logits)
    (wanted,) = torch.autograd.grad(of_torch(logits, targets, 1.0)[0].sum(), logits)
    torch.testing.assert_close(of, wanted, rtol=0, atol=1e-13)


def test_the_entropy_alone_has_a_gradient():
    logits, targets = case()
    (of,) = torch.autograd.grad(token_logprobs(logits, targets, Sampling(0.7), entropy=True)[1].sum(), logits)
    (wanted,) = torch.autograd.grad(of_torch(logits, targets, 0.7)[1].sum(), logits)
    torch.testing.assert_close(of, wanted, rtol=0, atol=1e-12)


def test_tokens_far_below_what_float32_can_hold_as_a_probability():
    logits = torch.tensor([[0.0, -500.0, 300.0]])
    logprobs, entropy = token_logprobs(logits, torch.tensor([1]), entropy=True)
    assert logprobs.item() == -800
    assert entropy.item() == 0


def test_left_out_entries_have_no_part():
    logits = torch.tensor([[1.0, float("-inf"), 2.0]], dtype=torch.float64, requires_grad=True)
    logprobs, entropy = token_logprobs(logits, torch.tensor([0]), entropy=True)
    kept = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    wanted_logprobs, wanted_entropy = of_torch(kept, torch.tensor([0]), 1.0)
    assert logprobs.item() == pytest.approx(wanted_logprobs.item())
    assert entropy.item() == pytest.approx(wanted_entropy.item())
    (of,) = torch.autograd.grad(logprobs.sum() + entropy.sum(), logits)
    assert of[0, 1] == 0
    assert bool(of.isfinite().all())


def test_bfloat16_logits_are_computed_in_float32_and_get_a_gradient_of_their_own_type():
    logits, targets = case(dtype=torch.bfloat16)
    logprobs, _ = token_logprobs(logits, targets)
    assert logprobs.dtype == torch.float32
    torch.testing.assert_close(logprobs, of_torch(logits.float(), targets, 1.0)[0])
    logprobs.sum().backward()
    assert logits.grad.dtype == torch.bfloat16


def test_nothing_of_the_size_of_the_logits_is_kept_without_a_gradient():
    logits, targets = case()
    with torch.no_grad():
        logprobs, _ = token_logprobs(logits, targets)
    assert not logprobs.requires_grad
    torch.testing.assert_close(logprobs, of_torch(logits, targets, 1.0)[0])
