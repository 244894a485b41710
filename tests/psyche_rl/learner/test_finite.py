"""No step, checkpoint, export or publication with a number that is none; and who brought it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import make_model, policy_sequences, policy_step, sft_sequences

from psyche_rl.errors import NonFiniteError
from psyche_rl.learner.finite import finite, step_error
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings


def weights(learner):
    return {name: p.full_tensor().clone() for name, p in learner._model.lm.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_none_is_not_applied_and_its_group_is_named(tmp_path, new_learner, value):
    learner, sequences = new_learner(make_model(tmp_path)), policy_sequences()
    before = weights(learner)
    bad = np.full_like(sequences[4].advantages, value)
    sequences[4] = replace(sequences[4], advantages=bad, mask=np.ones(len(bad), bool))
    with pytest.raises(NonFiniteError, match=r"optimizer step 1: the loss is (nan|-?inf).*from group 1;"):
        policy_step(learner, sequences, PolicyObjective())
    assert same(weights(learner), before)
    assert learner.step == 0
    assert all(p.grad is None for p in learner._model.parameters())
    policy_step(learner, policy_sequences(), PolicyObjective())  # goes on with sound ones
    assert learner.step == 1


def test_a_gradient_that_is_none_behind_a_finite_loss_is_not_applied(tmp_path, new_learner):
    learner, sequences = new_learner(make_model(tmp_path)), sft_sequences(4)
    sequences = [replace(s, name=f"row {n} of sft.parquet") for n, s in enumerate(sequences)]
    before = weights(learner)

    def spoil(module, given, embedded):
        if _has(given[0], sequences[2]):
            embedded.register_hook(lambda gradient: gradient * float("nan"))

    learner._model.lm.get_input_embeddings().register_forward_hook(spoil)
    with pytest.raises(NonFiniteError, match=r"gradient's norm is nan.*from row 2 of sft\.parquet"):
        learner.sft_step(sequences)
    assert same(weights(learner), before)
    assert learner.step == 0


def _has(ids, sequence):
    rows = "".join(f"<{i}>" for i in ids.flatten().tolist())
    return "".join(f"<{i}>" for i in sequence.input_ids[:-1].tolist()) in rows


def test_weights_that_are_none_are_not_saved_published_exported_or_trained(tmp_path, new_learner):
    """What SFT did with lr=1e30: the step that breaks the weights has finite loss and gradient itself."""
    learner = new_learner(make_model(tmp_path / "model"), OptimSettings(1e38, "constant", 9))
    learner.sft_step(sft_sequences())
    learner.sft_step(sft_sequences()) if np.isfinite(_largest(learner)) else None
    assert not np.isfinite(_largest(learner))
    for act in (
        lambda: learner.save(str(tmp_path / "ckpt")),
        lambda: learner.export(str(tmp_path / "out")),
        learner.full_weights,
        lambda: learner.sft_step(sft_sequences()),
    ):
        with pytest.raises(NonFiniteError, match=r"the weights are not finite and are not"):
            act()
    assert not (tmp_path / "ckpt").exists()
    assert not (tmp_path / "out").exists()


def _largest(learner):
    return float(sum(p.full_tensor().abs().max() for p in learner._model.parameters()))


def test_many_culprits_are_counted_and_none_is_said():
    names = [f"group {n}" for n in range(8)]
    assert "It comes from group 0, group 1, group 2, group 3, group 4 and 3 more;" in str(
        step_error(4, "x", names)
    )
    assert "optimizer step 5: x; the step is not taken." in str(step_error(4, "x", names))
    assert "group 4;" in str(step_error(0, "x", names[:5]))
    assert "No group causes it alone;" in str(step_error(0, "x", []))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_number_that_is_not_finite_is_found_wherever_it_is(dtype, bad):
    for shape in ((1,), (3, 5), (1000,), ()):
        tensor = torch.full(shape, -3.0, dtype=dtype)
        assert finite(tensor)
        for place in {0, tensor.numel() // 2, tensor.numel() - 1}:
            spoilt = tensor.clone()
            spoilt.view(-1)[place] = bad
            assert not finite(spoilt)
    assert finite(torch.empty(0, 4, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16, torch.float64])
def test_numbers_that_are_finite_are_so_where_their_sum_is_not_and_infinities_do_not_cancel(dtype):
    huge = torch.full((1000,), torch.finfo(dtype).max, dtype=dtype)
    assert not math.isfinite(huge.sum().item())
    assert finite(huge)
    assert not finite(torch.tensor([math.inf, -math.inf, 1.0], dtype=dtype))
