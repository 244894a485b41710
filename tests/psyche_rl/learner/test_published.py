"""What is published: of which type, in which order, and in whose memory."""

import numpy as np
import pytest
import torch
from tiny import make_model, sft_sequences

from psyche_rl.config.lora import LoraConfig
from psyche_rl.errors import NonFiniteError
from psyche_rl.learner import published
from psyche_rl.learner.published import announcements, coarser
from psyche_rl.weights.arrays import checksum, from_numpy, to_numpy

BF16, F32, F64 = torch.bfloat16, torch.float32, torch.float64


@pytest.mark.parametrize(
    ("computed", "served", "expected"),
    [
        (F32, None, F32),
        (F32, "bfloat16", BF16),
        (F32, "float32", F32),
        (BF16, "float32", BF16),
        (F64, "float32", F32),
    ],
)
def test_the_coarser_type_is_published(computed, served, expected):
    assert coarser(computed, served) == expected


def test_each_rank_casts_its_part_before_it_is_gathered(tmp_path, new_learner, monkeypatch):
    learner, sent = new_learner(make_model(tmp_path)), []
    gather = published.whole
    monkeypatch.setattr(published, "whole", lambda tensor: sent.append(tensor.dtype) or gather(tensor))
    half, full = learner.full_weights("bfloat16"), learner.full_weights()
    assert set(sent[: len(half)]) == {BF16}
    assert set(sent[len(half) :]) == {F32}
    for name, array in full.items():
        assert torch.equal(from_numpy(half[name]), from_numpy(array).bfloat16())


def test_adapters_are_merged_before_the_cast(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path), lora=LoraConfig(rank=4, seed=1))
    learner.sft_step(sft_sequences())
    half, full = learner.full_weights("bfloat16"), learner.full_weights()
    assert all(torch.equal(from_numpy(half[n]), from_numpy(a).bfloat16()) for n, a in full.items())


def test_copies_stay_and_what_is_not_copied_is_the_weight_itself(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path))
    copied, live = learner.full_weights(), learner.publish(dict)
    before = checksum(copied)
    assert checksum(live) == before
    learner.sft_step(sft_sequences())
    assert checksum(copied) == before
    assert checksum(live) == checksum(learner.full_weights()) != before
    assert all(array.flags.c_contiguous for array in live.values())


def test_weights_are_sent_one_by_one_as_their_headings_announce(tmp_path, new_learner):
    learner, got = new_learner(make_model(tmp_path, tied=False)), {}

    def send(announced, tensors):
        assert announced == announcements(learner._model, BF16)
        for heading, (name, tensor) in zip(announced, tensors, strict=True):
            assert (name, tuple(tensor.shape), tensor.dtype) == (heading.name, heading.shape, heading.dtype)
            assert tensor.nbytes == heading.nbytes
            got[name] = to_numpy(tensor)

    learner.send_weights(send, "bfloat16")
    assert checksum(got) == checksum(learner.full_weights("bfloat16"))


def test_nothing_is_sent_of_weights_that_are_not_finite(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path))
    next(iter(learner._model.parameters())).data.to_local()[0, 0] = np.nan
    with pytest.raises(NonFiniteError):
        learner.send_weights(lambda *_: pytest.fail("sent"), None)


def test_ranks_agree_on_the_check_also_where_the_store_fails(tmp_path, new_learner, monkeypatch):
    """Else the others would wait in a collective that this one never enters."""
    learner, asked = new_learner(make_model(tmp_path)), []
    monkeypatch.setattr(learner._guard, "_agreed", lambda here: asked.append(here) or here)

    def full(weights):
        raise MemoryError("the store is full")

    with pytest.raises(MemoryError):
        learner.publish(full)
    assert asked == [True]
