"""An engine that sleeps while the learner trains: the calls that vLLM gets, in order."""

from types import SimpleNamespace

import numpy as np
import pytest

from actors.engines.vllm_engine import VllmEngine
from psyche_rl.errors import WeightSyncError


class NotedLLM:
    """In ``vllm.LLM``'s place, since vLLM on CPU cannot sleep."""

    def __init__(self):
        self.calls = []
        config = SimpleNamespace(parallel_config=SimpleNamespace(world_size=1))
        processor = SimpleNamespace(request_states={})
        self.llm_engine = SimpleNamespace(vllm_config=config, output_processor=processor, step=lambda: [])

    def __getattr__(self, name):
        return lambda *given, **named: self.calls.append((name, *given, *named.values()))


def engine_of(llm):
    engine = VllmEngine.__new__(VllmEngine)
    engine._llm, engine._engine, engine._shapes = llm, llm.llm_engine, {"w": (2,)}
    engine._version, engine._running, engine._half_loaded, engine._asleep = 0, {}, None, False
    return engine


def test_an_update_wakes_first_the_weights_and_when_they_are_in_the_cache():
    llm = NotedLLM()
    engine = engine_of(llm)
    engine.sleep(2)
    with pytest.raises(WeightSyncError, match="sleeps since version 0, until the next publish"):
        engine.step()
    engine.update_weights({"w": np.zeros(2, np.float32)}, 1)
    assert [call[:2] for call in llm.calls] == [
        ("sleep", 2),
        ("wake_up", ["weights"]),
        ("start_weight_update",),
        ("update_weights", {"update_info": {"weights": {"w": pytest.approx(np.zeros(2))}}}),
        ("finish_weight_update", "1"),
        ("wake_up", ["kv_cache"]),
        ("reset_prefix_cache", False),
    ]
    assert engine.step() == {}


def test_an_engine_that_is_awake_is_not_woken():
    llm = NotedLLM()
    engine_of(llm).update_weights({"w": np.zeros(2, np.float32)}, 1)
    assert "wake_up" not in [name for name, *_ in llm.calls]


def test_an_engine_at_work_does_not_sleep():
    llm = NotedLLM()
    engine = engine_of(llm)
    engine._running = {"0": None}
    with pytest.raises(RuntimeError, match="1 samples are under way"):
        engine.sleep(1)
    assert llm.calls == []
