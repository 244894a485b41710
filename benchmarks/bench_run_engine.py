"""How much of a bare engine's rate an evaluation keeps: ``bench run`` against the engine alone, same items.

Some thousand short items (the mini exam's, asked several times) on a tiny model, one engine of one thread.
Bare: one process that calls vLLM with the token ids of all prompts at once. Ours: the engine in its actor,
fed while it works, each reply decoded and on the disk (fsync) before it counts. Both from first request to
last reply, engines warm, in turn; medians over rounds. Goal 0.9.

    python benchmarks/bench_run_engine.py OUT.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests/fakes")]
RESULTS = ROOT / "benchmarks" / "results" / "bench_run_engine.json"
GOALS = {"engine_share": 0.9}
ITEMS, SAMPLES, REPLY, WARM, ROUNDS = 400, 10, 20, 64, 4
ENGINE = {
    "dtype": "float32", "max_model_len": 512, "kv_cache_mib": 256, "enforce_eager": True, "threads": 1,
    "max_num_seqs": 64,
}  # fmt: skip


def measure() -> dict[str, Any]:
    """All figures."""
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        from tiny_models import save_tiny_model

        save_tiny_model(Path(folder) / "tiny")
        for _ in range(ROUNDS):
            for name, found in rates.items():
                found.append(_role(name, folder))
                print(f"{name}: {found[-1]:.1f} items/s", file=sys.stderr, flush=True)
    shares = [ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)]
    return {"items_per_s": rates, "items": ITEMS * SAMPLES, "engine_share": statistics.median(shares)}


def _role(name: str, folder: str) -> float:
    """Items per second of one of the two, from a process of its own."""
    from actors.engines.starting import engine_env
    from psyche_rl.config.engine import EngineConfig

    alone = engine_env(EngineConfig(threads=1), on_gpu=False) if name == "bare" else {}
    env = {**os.environ, **alone, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": "local"}
    command = [sys.executable, str(Path(__file__).resolve()), "--role", name, folder]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def _asks() -> Any:
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.bench.item_ask import asks_of
    from psyche_rl.evaluation.benchmark import BenchmarkSampling
    from psyche_rl.evaluation.catalogue import find_benchmark

    mini = find_benchmark("mini_exam")
    sampling = BenchmarkSampling(temperature=1.0, max_tokens=REPLY, samples=SAMPLES)
    return list(asks_of(mini, load_items(mini, None).items[:ITEMS], sampling))


def bare(folder: str) -> float:
    """vLLM alone."""
    from actors.engines.vllm_engine import VllmEngine
    from psyche_rl.bench.item_codec import ItemCodec
    from psyche_rl.config.engine import EngineConfig

    codec = ItemCodec.of_model(Path(folder) / "tiny", ENGINE["max_model_len"])
    requests = [codec.request(ask, ask.key) for ask in _asks()]
    engine = VllmEngine(f"{folder}/tiny", EngineConfig(**ENGINE))
    engine.generate(requests[-WARM:])
    begun = time.perf_counter()
    engine.generate(requests)
    return len(requests) / (time.perf_counter() - begun)


def ours(folder: str) -> float:
    """The way of ``bench run``, with its engine in an actor and its journal."""
    from launch.bench.bench_engines import engine_context, engines_answering
    from psyche_rl.bench.reply_journal import ReplyJournal
    from psyche_rl.config.bench import BenchConfig
    from psyche_rl.events import Events
    from psyche_rl.store import RunStore

    asks = _asks()
    with tempfile.TemporaryDirectory() as out:
        store = RunStore(out)
        context = engine_context(f"{folder}/tiny", store, Events(store), BenchConfig(engine=ENGINE))
        with engines_answering(context) as answering:
            for _ in answering(asks[-WARM:], "warm"):
                pass
            journal = ReplyJournal(Path(out) / "replies.jsonl")
            begun = time.perf_counter()
            for answered in answering(asks, "mini_exam"):
                journal.keep(answered)
            took = time.perf_counter() - begun
        assert all(journal.is_finished(ask) for ask in asks)
    return len(asks) / took


def main() -> int:
    """The figures to a file, beside their goal; 1 where it is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, default=RESULTS)
    parser.add_argument("--role", nargs=2, metavar=("ROLE", "FOLDER"), help="be the process of one side")
    args = parser.parse_args()
    if args.role:
        role, folder = args.role
        print({"bare": bare, "ours": ours}[role](folder))
        return 0
    from machine import describe_machine

    figures = measure()
    share, goal = figures["engine_share"], GOALS["engine_share"]
    result = {"figures": figures, "goals": GOALS, "met": share >= goal, "machine": describe_machine()}
    out: Path = args.out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")
    print(
        f"share of the bare engine's rate: {share:.3f} (goal {goal}), {'met' if share >= goal else 'MISSED'}"
    )
    return int(share < goal)


if __name__ == "__main__":
    sys.exit(main())
