"""Engine and learner at every combination of temperature, top-p and top-k: the same log-probabilities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.distributed as dist
from engine_checks import CONFIG, leave_no_group, requests
from tiny_models import save_tiny_model, weights_of

from actors.engines.starting import engine_env
from actors.engines.vllm_engine import VllmEngine
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.learner import Learner
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.records import Sample
from psyche_rl.rollout.sampling import Sampling

pytestmark = pytest.mark.slow

COMBINATIONS = list(itertools.product((0.5, 1.0, 1.7), (1.0, 0.9), (None, 20)))


@dataclass
class Pair:
    engine: VllmEngine
    learner: Learner


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One engine and one learner of the same model, for all combinations."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine_env(CONFIG, on_gpu=False).items():
            patch.setenv(name, value)
        torch.set_num_threads(1)
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        save_tiny_model(folder)
        config = LearnerConfig(dtype="float32", row_tokens=128, micro_batch_tokens=512)
        optim = OptimSettings(lr=1e-3, schedule="constant", total_steps=9)
        yield Pair(VllmEngine(str(folder), CONFIG), Learner(folder, config, optim, torch.device("cpu")))
        leave_no_group()


def drawn(engine: VllmEngine, sampling: Sampling, seed: int = 0) -> list[Sample]:
    how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    return [s for group in engine.generate(requests(8, n=4, seed=seed, **how)) for s in group]


def gaps(learner: Learner, samples: list[Sample], sampling: Sampling) -> np.ndarray:
    sequences = [SftSequence(np.array([*s.prompt_ids, *s.response_ids]), len(s.prompt_ids)) for s in samples]
    pairs = zip(learner.logprobs(sequences, sampling), samples, strict=True)
    return np.concatenate([np.abs(own - s.logprobs) for own, s in pairs])


@pytest.mark.parametrize(("temperature", "top_p", "top_k"), COMBINATIONS)
def test_the_learner_says_of_the_engines_tokens_what_the_engine_says(pair, temperature, top_p, top_k):
    sampling = Sampling(temperature, top_p, top_k)
    samples = drawn(pair.engine, sampling)
    assert sum(len(s.response_ids) for s in samples) > 200
    assert gaps(pair.learner, samples, sampling).max() < 1e-4
    for other in ((1.1 * temperature, top_p, top_k), (temperature, 0.6, top_k), (temperature, top_p, 3)):
        assert gaps(pair.learner, samples, Sampling(*other)).max() > 1e-2, "the settings must show"


def test_a_batch_of_requests_with_different_filters(pair):
    """Evaluation beside training: vLLM then hands rows without a filter a top-p of 1."""
    ways = [Sampling(*values) for values in COMBINATIONS]
    asked = [
        r.model_copy(update={"id": f"w{i}", "temperature": w.temperature, "top_p": w.top_p, "top_k": w.top_k})
        for i, (r, w) in enumerate(zip(requests(len(ways), n=2, seed=5), ways, strict=True))
    ]
    for sampling, samples in zip(ways, pair.engine.generate(asked), strict=True):
        assert gaps(pair.learner, samples, sampling).max() < 1e-4


def test_after_an_update_too(pair, tmp_path):
    sampling = Sampling(1.7, 0.9, 20)
    weights = weights_of(save_tiny_model(tmp_path, seed=1))
    pair.engine.update_weights(weights, 1)
    samples = drawn(pair.engine, sampling, seed=2)
    assert gaps(pair.learner, samples, sampling).max() > 1e-2
    config = LearnerConfig(dtype="float32", row_tokens=128, micro_batch_tokens=512)
    optim = OptimSettings(lr=1e-3, schedule="constant", total_steps=9)
    moved = Learner(tmp_path, config, optim, torch.device("cpu"))
    assert gaps(moved, samples, sampling).max() < 1e-4
