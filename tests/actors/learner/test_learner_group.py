"""Learner ranks and the reference model on a real Ray, against a learner without Ray."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pytest
import ray

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.errors import ModelError, NonFiniteError, RunFolderError
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence, SftSequence
from psyche_rl.store.marked_folder import read_mark
from psyche_rl.weights.arrays import checksum, from_numpy

CONFIG = LearnerConfig(dtype="float32", row_tokens=24, micro_batch_tokens=60, threads=1)
OPTIM = OptimSettings(lr=1e-3, schedule="constant", total_steps=10)


def sequences(count=7):
    rng = np.random.default_rng(3)
    sizes = [(int(rng.integers(1, 12)), int(rng.integers(1, 15))) for _ in range(count)]
    return [SftSequence(rng.integers(4, 300, p + r), p) for p, r in sizes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_models import save_tiny_model

    folder = tmp_path_factory.mktemp("model")
    save_tiny_model(folder)
    return str(folder)


@pytest.fixture(scope="module")
def two_ranks(ray_local, folder):
    from actors.learner.group import LearnerGroup

    group = LearnerGroup(folder, CONFIG, OPTIM, ranks=2, wait_s=120)
    yield group
    group.shutdown()


def same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
def test_the_ranks_keep_the_model_they_started_from_as_the_reference(two_ranks, folder):
    two_ranks.open(folder, CONFIG, OPTIM, with_reference=True)
    ours = two_ranks.logprobs(sequences())
    assert [len(a) for a in ours] == [len(s.input_ids) - s.prompt_length for s in sequences()]
    same(ours, two_ranks.reference.logprobs(sequences()))
    two_ranks.sft_step(sequences())
    assert np.abs(two_ranks.logprobs(sequences())[0] - ours[0]).max() > 1e-4
    same(ours, two_ranks.reference.logprobs(sequences()))


@pytest.mark.slow
def test_a_pool_of_references_scores_as_the_ranks_and_replaces_members(two_ranks, folder):
    from actors.learner.reference import ReferencePool

    two_ranks.open(folder, CONFIG, OPTIM)
    ours, pool = two_ranks.logprobs(sequences()), ReferencePool(folder, CONFIG, workers=2, wait_s=120)
    same(ours, pool.logprobs(sequences()))
    ray.kill(pool._members[1].actor)  # lost: replaced, and its part computed again
    same(ours, pool.logprobs(sequences()))
    pool.resize(1)
    same(ours, pool.logprobs(sequences()))
    pool.shutdown()


@pytest.mark.slow
def test_a_step_is_published_saved_exported_and_restored(two_ranks, folder, tmp_path):
    from transformers import AutoModelForCausalLM

    two_ranks.open(folder, CONFIG, OPTIM)
    before = two_ranks.logprobs(sequences())
    policy = [
        PolicySequence.of(s.input_ids[: s.prompt_length], s.input_ids[s.prompt_length :], lp, 1.0)
        for s, lp in zip(sequences(), before, strict=True)
    ]
    backward = two_ranks.policy_backward(policy, PolicyObjective(), version=0)
    for ours, theirs in zip(backward.logprobs, before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    metrics = {**backward.metrics, **two_ranks.optimizer_step(version=0)}
    assert metrics["grad_norm"] > 0
    assert metrics["ratio_max"] == pytest.approx(1.0, abs=1e-4)
    assert metrics["tokens"] == sum(len(lp) for lp in before)
    ref = two_ranks.full_weights_ref(version=1)
    assert isinstance(ref, ray.ObjectRef)
    weights = ray.get(ref)
    two_ranks.save(str(tmp_path / "ckpt"), {"eval/strict_accuracy": 0.5})
    two_ranks.saved()
    assert read_mark(str(tmp_path / "ckpt")).notes == {"eval/strict_accuracy": 0.5}
    two_ranks.export(str(tmp_path / "out"))
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(from_numpy(weights[name]).numpy(), parameter.detach().numpy())
    two_ranks.sft_step(sequences())
    assert checksum(ray.get(two_ranks.full_weights_ref(2))) != checksum(weights)
    assert two_ranks.load(str(tmp_path / "ckpt")) == 1
    assert checksum(ray.get(two_ranks.full_weights_ref(3))) == checksum(weights)


@pytest.mark.slow
def test_two_ranks_name_the_group_whose_loss_is_none_and_go_on(two_ranks, folder):
    two_ranks.open(folder, CONFIG, OPTIM)
    groups = [
        PolicySequence.of(s.input_ids[:5], s.input_ids[5:], None, float(n), name=f"group {n}")
        for n, s in enumerate(sequences(9))
        if len(s.input_ids) > 5
    ]
    bad = dataclasses.replace(groups[-2], advantages=groups[-2].advantages * np.inf)
    with pytest.raises(NonFiniteError, match=rf"from {bad.name};"):
        two_ranks.policy_backward([*groups[:-2], bad, groups[-1]], PolicyObjective(), version=0)
    assert np.isfinite(two_ranks.policy_backward(groups, PolicyObjective(), version=0).metrics["loss"])
    assert two_ranks.optimizer_step(version=0)["grad_norm"] > 0


@pytest.mark.slow
def test_what_cannot_be_written_is_told_by_the_ranks_when_it_is_waited_for(two_ranks, folder, tmp_path):
    two_ranks.open(folder, CONFIG, OPTIM)
    (tmp_path / "file").touch()
    two_ranks.save(f"{tmp_path}/file/ckpt")
    with pytest.raises(RunFolderError, match="file/ckpt: the checkpoint could not be written: rank 0: "):
        two_ranks.saved()


@pytest.mark.slow
def test_a_missing_model_is_named_by_the_first_call(two_ranks, folder, tmp_path):
    two_ranks.open(str(tmp_path / "absent"), CONFIG, OPTIM)
    with pytest.raises(ModelError, match="no such model folder"):
        two_ranks.sft_step(sequences())


def test_ranks_wait_for_each_other_as_long_as_the_driver_waits_for_them(monkeypatch):
    from actors.learner import rank

    given = {}

    class Distributed:
        HashStore = object

        @staticmethod
        def init_process_group(backend, **options):
            given.update(options)

    monkeypatch.setattr(rank, "_distributed", lambda: Distributed)
    rank.LearnerRank(0, 1, None, 42.5).join(None)
    assert given["timeout"] == timedelta(seconds=42.5)
