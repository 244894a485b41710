"""The contract of a rollout engine, held against real vLLM engines of every family we use."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from engine_checks import CONFIG, largest_error, leave_no_group, model_logprobs, requests
from tiny_models import EOS, save_tiny_model, weights_of

from actors.engines.starting import engine_env
from actors.engines.vllm_engine import VllmEngine
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import ModelError, WeightSyncError
from psyche_rl.rollout.engine import RolloutEngine

KINDS = {
    "tied": ("qwen2", True),
    "untied": ("qwen2", False),
    "llama": ("llama", True),
    "phi3": ("phi3", True),
    "two processes": ("qwen2", True),
}


@dataclass
class Served:
    """A live engine with the model it started on and another of the same shape."""

    engine: VllmEngine
    first: Any
    second: Any


@pytest.fixture(scope="module", autouse=True)
def leave_no_process_group():
    """An engine in this process joins torch's one default group; later tests make their own."""
    yield
    leave_no_group()


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=[pytest.mark.slow] * (kind == "two processes")) for kind in KINDS],
)
def served(request, tmp_path_factory):
    family, tie = KINDS[request.param]
    folder = tmp_path_factory.mktemp("models")
    config = CONFIG.model_copy(update={"tensor_parallel_size": 1 + (request.param == "two processes")})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine_env(config, on_gpu=False).items():
            patch.setenv(name, value)
        first = save_tiny_model(folder / "first", family, tie, seed=0)
        second = save_tiny_model(folder / "second", family, tie, seed=1)
        yield Served(VllmEngine(str(folder / "first"), config), first, second)


def check_contract(engine: RolloutEngine, first: Any, second: Any) -> None:
    """Order, alignment, versions, true logprobs, and the same bits every time, for every engine."""
    engine.update_weights(weights_of(first), 1)
    asked = requests(12)
    before = engine.generate(asked)
    assert [[s.id for s in group] for group in before] == [[f"r{i}/{j}" for j in range(3)] for i in range(12)]
    for request, group in zip(asked, before, strict=True):
        assert len({s.response_ids for s in group}) > 1, "samples of a group must differ"
        for sample in group:
            assert sample.prompt_ids == request.prompt_ids
            assert set(sample.weight_versions) == {1}
            assert len(sample.weight_versions) == len(sample.response_ids) <= request.max_tokens
            assert EOS not in sample.response_ids[:-1]
            assert (sample.response_ids[-1] == EOS) == (sample.finish_reason == "stop")
    assert largest_error(first, before) < 1e-4

    engine.update_weights(weights_of(second), 2)
    assert engine.weight_version() == 2
    after = engine.generate(asked)
    assert {v for group in after for s in group for v in s.weight_versions} == {2}
    assert largest_error(second, after) < 1e-4
    assert largest_error(first, after) > 0.1, "the two models must be told apart"

    engine.generate(requests(30, n=1, seed=9))
    engine.update_weights(weights_of(first), 1)
    assert engine.generate(asked) == before, "an engine that has served must repeat itself bit for bit"


def test_contract(served):
    check_contract(served.engine, served.first, served.second)


def test_a_seed_belongs_to_its_request_not_to_its_place(served):
    asked = requests(10)
    together = served.engine.generate(asked)
    alone = served.engine.generate(asked[7:8])[0]
    assert [s.response_ids for s in alone] == [s.response_ids for s in together[7]]
    again = asked[7].model_copy(update={"seed": 1008})
    assert [s.response_ids for s in served.engine.generate([again])[0]] != [s.response_ids for s in alone]


def test_logprobs_are_of_the_distribution_that_was_sampled_from(served):
    served.engine.update_weights(weights_of(served.first), 1)
    hot = served.engine.generate(requests(6, temperature=0.5))
    assert largest_error(served.first, hot, temperature=0.5) < 1e-4
    assert largest_error(served.first, hot) > 0.1
    nucleus = served.engine.generate(requests(6, top_p=0.01))  # the likeliest token alone
    assert {p for group in nucleus for s in group for p in s.logprobs} == {0.0}
    greedy = served.engine.generate(requests(6, n=1, temperature=0.0))
    assert largest_error(served.first, greedy) < 1e-4
    assert greedy == served.engine.generate(requests(6, n=1, temperature=0.0))


def test_an_engine_keeps_nothing_of_the_memory_that_its_weights_came_in(served):
    weights = weights_of(served.second)
    served.engine.update_weights(weights, 6)
    before = served.engine.generate(requests(4))
    for array in weights.values():
        array.flags.writeable = True
        array[...] = 0
    assert served.engine.generate(requests(4)) == before


@pytest.mark.slow
def test_a_default_config_starts_on_cpu(tmp_path, monkeypatch):
    save_tiny_model(tmp_path)
    for config in (EngineConfig(kv_cache_mib=32, max_model_len=128), EngineConfig(max_model_len=128)):
        for name, value in engine_env(config, on_gpu=False).items():
            monkeypatch.setenv(name, value)
        assert len(VllmEngine(str(tmp_path), config).generate(requests(2))) == 2


def test_many_seeded_prompts_fill_more_than_one_scheduler_step(served):
    """Splitting a seeded prompt over two steps is what vLLM on CPU cannot do."""
    asked = requests(150, n=1, max_tokens=2)
    assert sum(len(r.prompt_ids) for r in asked) > 4096
    assert len(served.engine.generate(asked)) == 150


def test_weights_that_do_not_fit_are_refused_and_the_old_ones_stay(served):
    served.engine.update_weights(weights_of(served.first), 3)
    before = served.engine.generate(requests(4))
    weights = weights_of(served.second)
    lost = weights.pop("model.norm.weight")
    with pytest.raises(WeightSyncError, match=r"version 4 .*model\.norm\.weight"):
        served.engine.update_weights(weights, 4)
    with pytest.raises(WeightSyncError, match="do not fit"):
        served.engine.update_weights({**weights, "model.norm.weight": lost[:-1]}, 4)
    assert served.engine.weight_version() == 3
    assert served.engine.generate(requests(4)) == before


def test_a_model_that_vllm_cannot_serve_is_one_line(tmp_path):
    save_tiny_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "architectures": ["NoSuchModel"], "model_type": "x"})
    )
    with pytest.raises(ModelError) as caught:
        VllmEngine(str(tmp_path), CONFIG)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def add_all(engine, request):
    return [engine.add(request, index) for index in range(request.n)]


def test_samples_leave_as_they_finish_and_go_on_under_new_weights_without_stale_kv(served):
    engine = served.engine
    engine.update_weights(weights_of(served.first), 4)
    (short,) = requests(1, n=2, seed=3, max_tokens=3, stop_token_ids=())
    (long,) = requests(1, n=3, seed=4, max_tokens=20, stop_token_ids=())
    names = add_all(engine, short)
    add_all(engine, long.model_copy(update={"id": "long"}))
    first = {}
    while not first:
        first |= engine.step()
    assert sorted(first) == sorted(names)
    assert {(s.request_id, s.weight_versions) for s in first.values()} == {("r0", (4, 4, 4))}
    for _ in range(4):
        engine.step()
    assert not engine.recomputing
    engine.update_weights(weights_of(served.second), 5)
    assert engine.recomputing
    add_all(engine, long.model_copy(update={"id": "new", "n": 1}))
    last = engine.step()
    assert not engine.recomputing, "all that ran have a token of the new weights"
    while engine.busy:
        last |= engine.step()
    assert sorted(s.id for s in last.values()) == ["long/0", "long/1", "long/2", "new/0"]
    for sample in (s for s in last.values() if s.request_id == "long"):
        old = sample.weight_versions.index(5)
        assert sample.weight_versions == (4,) * old + (5,) * (20 - old)
        assert 3 < old < 12
        ids = np.arange(20)
        for model, tokens in ((served.first, ids[:old]), (served.second, ids[old:])):
            off = np.abs(model_logprobs(model, sample) - sample.logprobs)[tokens]
            assert off.max() < 1e-4, "log-probabilities are of the weights that the token is marked with"


def test_a_sample_alone_is_the_one_of_its_group(served):
    (request,) = requests(1, n=3)
    ((*_, whole),) = served.engine.generate([request])
    name = served.engine.add(request, 2)
    found = {}
    while served.engine.busy:
        found |= served.engine.step()
    assert found == {name: whole}


def test_what_is_aborted_is_forgotten_and_the_rest_goes_on(served):
    engine = served.engine
    names = [add_all(engine, request) for request in requests(3, n=2)]
    engine.step()
    engine.abort([*names[1], "no such"])
    left = {}
    while engine.busy:
        left |= engine.step()
    assert sorted(s.id for s in left.values()) == ["r0/0", "r0/1", "r2/0", "r2/1"]


def test_a_call_does_not_mix_with_what_is_under_way(served):
    name = served.engine.add(requests(1, n=1)[0], 0)
    with pytest.raises(RuntimeError, match="1 samples of other requests"):
        served.engine.generate(requests(1))
    served.engine.abort([name])
