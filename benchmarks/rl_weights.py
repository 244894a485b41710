"""Publishing weights: how fast they travel, and how long engines stand still for them.

One model of at least 1 GB goes the way of a run on CPU: the learner's rank gathers and checks it and puts it
into Ray's object store, a worker maps it, an engine takes it.

- GB/s of a publish over those of a memcpy of as many bytes, the engine's part being a bare copy into arrays
  that are there: goal 0.5 without a checksum, 0.25 with one. These are two copies, one into the store and
  one out of it, so that 0.5 is what two memcpys one after another would have.
- the same for a bare ``ray.put`` of such arrays and a bare copy out of what a worker gets: what the store
  leaves to be had (shown).
- pause of a rollout worker's engine in the middle of generation (end of the last step under the old weights
  to the start of the first under the new) over the engine's bare update from private memory: goal 1.5.

All are measured in turn; medians.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import ray

from actors.engines.vllm_engine import VllmEngine
from actors.engines.weight_update import update
from actors.rollout.worker import RolloutWorker
from psyche_rl.config.engine import EngineConfig
from psyche_rl.records import GenerationRequest
from psyche_rl.rollout.streaming import SampleOrder
from psyche_rl.weights.arrays import checksum

GOALS = {"publish": 0.5, "publish_checked": 0.25, "pause": 1.5}
ENGINE = EngineConfig(dtype="float32", max_model_len=256, kv_cache_mib=256, threads=1)
ROUNDS, PAUSES, LAYERS = 9, 5, 14


class Receiver:
    """A worker whose engine is a dictionary of arrays; as in a rollout worker, the checksum is taken beside
    the engine's update."""

    def __init__(self) -> None:
        self._held: dict[str, np.ndarray] = {}
        self._beside = ThreadPoolExecutor(1)

    def take(self, weights: dict[str, np.ndarray], checked: bool) -> int:
        """Copy the weights to where they stay; returns their size in bytes."""
        if not self._held:
            self._held = {name: array.copy() for name, array in weights.items()}
        found = self._beside.submit(checksum, weights) if checked else None
        for name, array in weights.items():
            np.copyto(self._held[name], array)
        if found is not None:
            found.result()
        return sum(array.nbytes for array in weights.values())

    def memcpy(self, size: int) -> float:
        """Seconds for ``size`` bytes from memory to memory, both in use before."""
        if not hasattr(self, "_buffers"):
            self._buffers = np.ones(size, np.uint8), np.zeros(size, np.uint8)
        return _timed(lambda: np.copyto(self._buffers[1], self._buffers[0]))


class SteppedEngine(VllmEngine):
    """Notes when it steps."""

    spans: list[tuple[float, float]]

    def step(self) -> Any:
        begun = time.perf_counter()
        found = super().step()
        if not hasattr(self, "spans"):
            self.spans = []
        self.spans.append((begun, time.perf_counter()))
        return found


class Worker(RolloutWorker):
    """A rollout worker that can be asked how long it stood still."""

    def _make(self) -> VllmEngine:
        return SteppedEngine(self._model_dir, self._config, version=0)

    def pause(self, weights: dict[str, np.ndarray], version: int) -> float:
        """Seconds between two steps, with an update between them and 4 samples under way."""
        request = GenerationRequest(
            id="r", prompt_ids=tuple(range(3, 40)), n=4, max_tokens=200, stop_token_ids=(), seed=version
        )
        self.submit([SampleOrder(n, request, n, 1) for n in range(4)])
        time.sleep(1)
        self.update_weights(weights, version)
        time.sleep(1)
        self.abort(range(4))
        spans = self._live().call(lambda engine: engine.__dict__.pop("spans"))
        return max(after[0] - before[1] for before, after in pairwise(spans))

    def bare(self, weights: dict[str, np.ndarray], rounds: int) -> list[float]:
        """Seconds of the engine's own update from memory of this process."""
        own = {name: array.copy() for name, array in weights.items()}
        return self._live().call(
            lambda engine: [_timed(lambda: update(engine._llm, own, 0)) for _ in range(rounds)]
        )


def measure() -> dict[str, Any]:
    """All figures. Needs about 8 GB of memory."""
    from actors.learner.group import LearnerGroup
    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.schedule import OptimSettings

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(address="local", include_dashboard=False, log_to_driver=False, object_store_memory=6 * 2**30)
    with tempfile.TemporaryDirectory() as folder:
        make_model(folder, LAYERS)
        learner = LearnerGroup(
            folder, LearnerConfig(dtype="float32", threads=1), OptimSettings(1e-5, "constant", 10, 0)
        )
        return {**publish_figures(learner), **pause_figures(folder, learner, PAUSES)}


def checks(figures: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """What each figure is, its value, its goal, and whether that is met."""
    fast, checked, pause = (figures[name] for name in GOALS)
    return [
        ("publish over memcpy, no checksum", fast, GOALS["publish"], fast >= GOALS["publish"]),
        ("publish over memcpy, checksum", checked, 0.25, checked >= GOALS["publish_checked"]),
        ("pause over the engine's bare update", pause, GOALS["pause"], pause <= GOALS["pause"]),
    ]


def shown(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """What has no goal."""
    return [
        ("bare ray.put and a copy out of the store over memcpy", figures["bare_store"]),
        ("bare ray.put over memcpy", figures["bare_put"]),
    ]


def publish_figures(learner: Any) -> dict[str, Any]:
    """A publish, the bare store and memcpy in turn."""
    receiver = ray.remote(Receiver).options(num_cpus=0).remote()

    def publish(checked: bool) -> None:
        ray.get(receiver.take.remote(learner.full_weights_ref(1), checked))

    own = {name: array.copy() for name, array in ray.get(learner.full_weights_ref(0)).items()}
    size = ray.get(receiver.take.remote(learner.full_weights_ref(0), False))
    ways: dict[str, Any] = {
        "publish": lambda: publish(False),
        "publish_checked": lambda: publish(True),
        "bare_store": lambda: ray.get(receiver.take.remote(ray.put(own), False)),
    }
    took: dict[str, list[float]] = {name: [] for name in (*ways, "memcpy", "bare_put")}
    for _ in range(ROUNDS):
        for name, act in ways.items():
            took[name].append(_timed(act))
        took["bare_put"].append(_timed(lambda: ray.put(own)))
        took["memcpy"].append(ray.get(receiver.memcpy.remote(size)))
    ray.kill(receiver)
    seconds = {name: statistics.median(found[1:]) for name, found in took.items()}  # the first touch pages
    return {
        "bytes": size,
        "seconds": seconds,
        "gb_per_s": {name: size / s / 1e9 for name, s in seconds.items()},
        **{name: seconds["memcpy"] / s for name, s in seconds.items() if name != "memcpy"},
    }


def pause_figures(folder: str, learner: Any, rounds: int) -> dict[str, float]:
    """A live engine under work, and the same engine updated with nothing around it."""
    from actors.engines.starting import engine_env

    started: Any = ray.remote(Worker).options(
        num_cpus=0, max_concurrency=4, runtime_env={"env_vars": engine_env(ENGINE, on_gpu=False)}
    )
    worker = started.remote(folder, ENGINE, 0)
    ray.get(worker.load.remote())
    ref = learner.full_weights_ref(1)
    pauses = [ray.get(worker.pause.remote(ref, version)) for version in range(1, rounds + 1)]
    bare = ray.get(worker.bare.remote(ref, rounds))
    ray.kill(worker)
    return {
        "pause_s": statistics.median(pauses),
        "bare_update_s": statistics.median(bare),
        "pause": statistics.median(pauses) / statistics.median(bare),
    }


def make_model(folder: str, layers: int) -> None:
    """A Qwen2 with random weights, float32, tied."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=32_000, hidden_size=1024, intermediate_size=4096, num_hidden_layers=layers,
        num_attention_heads=16, num_key_value_heads=16, max_position_embeddings=512, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    model.to_empty(device="cpu")
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data.uniform_(-0.02, 0.02)
    model.tie_weights()
    model.save_pretrained(folder)
    (Path(folder) / "tokenizer.json").write_text("{}", "utf-8")


def _timed(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
