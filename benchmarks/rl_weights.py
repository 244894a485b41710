"""Publishing weights: how fast they travel, and how long engines stand still for them.

    python benchmarks/rl_weights.py [--rounds 5] [--layers 14]

One model of at least 1 GB goes the way of a run on CPU: the learner's rank gathers it and puts it into Ray's
object store, a worker maps it, an engine takes it.

- GB/s of a publish over those of a memcpy of as many bytes, the engine's part being a bare copy into arrays
  that are there: goal 0.5 without a checksum, 0.25 with one.
- pause of a rollout worker's engine in the middle of generation (end of the last step under the old weights
  to the start of the first under the new) over the engine's bare update from private memory: goal 1.5.

Of the rounds the best counts. Exit 1 if a goal is missed. Writes benchmarks/results/rl_weights.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import ray
from machine import describe_machine

from actors.engines.vllm_engine import VllmEngine
from actors.engines.weight_update import update
from actors.rollout.worker import RolloutWorker
from psyche_rl.config.engine import EngineConfig
from psyche_rl.records import GenerationRequest
from psyche_rl.rollout.streaming import SampleOrder
from psyche_rl.weights.arrays import checksum

RESULTS = Path(__file__).resolve().parent / "results" / "rl_weights.json"
GOALS = {"publish": 0.5, "publish_checked": 0.25, "pause": 1.5}
ENGINE = EngineConfig(dtype="float32", max_model_len=256, kv_cache_mib=256, threads=1)


class Receiver:
    """A worker whose engine is a dictionary of arrays."""

    def __init__(self) -> None:
        self._held: dict[str, np.ndarray] = {}

    def take(self, weights: dict[str, np.ndarray], checked: bool) -> int:
        """Copy the weights to where they stay; returns their size in bytes."""
        if not self._held:
            self._held = {name: array.copy() for name, array in weights.items()}
        for name, array in weights.items():
            np.copyto(self._held[name], array)
        if checked:
            checksum(weights)
        return sum(array.nbytes for array in weights.values())

    def memcpy(self, size: int, rounds: int) -> float:
        """Seconds for ``size`` bytes from memory to memory, both in use before."""
        source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
        return min(_timed(lambda: np.copyto(target, source)) for _ in range(rounds))


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


def main() -> int:
    """Measure, write, print; the exit code tells of the goals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=14)
    args = parser.parse_args()
    figures = {"machine": describe_machine(), "goals": GOALS, **weights_figures(args.rounds, args.layers)}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    for what, measured, goal, met in checks(figures):
        print(f"| {what} | {measured:.3g} | {goal:g} | {'met' if met else 'MISSED'} |")
    return 0 if all(met for *_, met in checks(figures)) else 1


def checks(figures: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    """What each figure is, its value, its goal, and whether that is met."""
    fast, checked, pause = (figures[name] for name in GOALS)
    return [
        ("publish over memcpy, no checksum", fast, GOALS["publish"], fast >= GOALS["publish"]),
        ("publish over memcpy, checksum", checked, 0.25, checked >= GOALS["publish_checked"]),
        ("pause over the engine's bare update", pause, GOALS["pause"], pause <= GOALS["pause"]),
    ]


def weights_figures(rounds: int = 5, layers: int = 14) -> dict[str, Any]:
    """All figures; ``layers`` of 64 MB each and an embedding of 131 MB. Needs about 8 GB of memory."""
    from actors.learner.group import LearnerGroup
    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.schedule import OptimSettings

    ray.init(address="local", include_dashboard=False, log_to_driver=False, object_store_memory=6 * 2**30)
    with tempfile.TemporaryDirectory() as folder:
        make_model(folder, layers)
        learner = LearnerGroup(
            folder, LearnerConfig(dtype="float32", threads=1), OptimSettings(1e-5, "constant", 10, 0)
        )
        receiver = ray.remote(Receiver).options(num_cpus=0).remote()
        times: dict[bool, list[float]] = {False: [], True: []}
        size = ray.get(receiver.take.remote(learner.full_weights_ref(0), False))
        for _ in range(rounds):
            for checked, found in times.items():
                begun = time.perf_counter()
                ray.get(receiver.take.remote(learner.full_weights_ref(1), checked))
                found.append(time.perf_counter() - begun)
        memcpy = ray.get(receiver.memcpy.remote(size, rounds))
        ray.kill(receiver)
        return {
            "bytes": size,
            "memcpy_gb_per_s": size / memcpy / 1e9,
            "publish_gb_per_s": size / min(times[False]) / 1e9,
            "publish_checked_gb_per_s": size / min(times[True]) / 1e9,
            "publish": memcpy / min(times[False]),
            "publish_checked": memcpy / min(times[True]),
            **pause_figures(folder, learner, rounds),
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


if __name__ == "__main__":
    sys.exit(main())
