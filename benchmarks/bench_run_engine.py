"""How much of bare vLLM's rate an evaluation keeps: ``bench run`` against vLLM alone, same items.

Some thousand short items (the mini exam's, asked several times) on a tiny model, one engine of one thread.

- ``vllm``: one process that calls ``LLM.generate`` as it ships, with the token ids of all prompts at once.
- ``engine``: the same with this project's engine, which draws tokens its own way on a CPU
  (``actors/engines/cpu_sampling.py``) and is quicker than vLLM there.
- ``ours``: that engine in its actor, fed while it works, each reply decoded and on the disk (fsync) before it
  counts.

All from first request to last reply, engines warm, in turn (``turns.py``); the median of neighbouring rounds.
Goal: 0.9 of vLLM's rate. The share of the engine's own rate is shown.

    python benchmarks/bench_run_engine.py OUT.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

from turns import Side, Turns, in_turn, over

RESULTS = ROOT / "benchmarks" / "results" / "bench_run_engine.json"
GOALS = {"engine_share": 0.9}
SIDES = ("vllm", "engine", "ours")
ITEMS, SAMPLES, REPLY, ROUNDS = 400, 10, 20, 16
ENGINE: dict[str, Any] = {
    "dtype": "float32", "max_model_len": 512, "kv_cache_mib": 256, "enforce_eager": True, "threads": 1,
    "max_num_seqs": 64,
}  # fmt: skip


def measure() -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.append(str(ROOT / "tests" / "fakes"))
        from tiny_models import save_tiny_model

        save_tiny_model(Path(folder) / "tiny")
        took, _ = in_turn({name: _side(name, folder) for name in SIDES}, ROUNDS)
    items = ITEMS * SAMPLES
    rates = {name: [items / seconds for seconds in rounds] for name, rounds in took.items()}
    return {
        "items_per_s": rates,
        "items": items,
        "engine_share": over(took["vllm"], took["ours"]),
        "share_of_own_engine": over(took["engine"], took["ours"]),
    }


def _side(name: str, folder: str) -> Side:
    from actors.engines.starting import engine_env
    from psyche_rl.config.engine import EngineConfig

    alone = engine_env(EngineConfig(threads=1), on_gpu=False) if name != "ours" else {}
    env = {**os.environ, **alone, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": "local"}
    return Side([sys.executable, str(Path(__file__).resolve()), "--role", name, folder], env)


def _asks() -> Any:
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.bench.item_ask import asks_of
    from psyche_rl.evaluation.benchmark import BenchmarkSampling
    from psyche_rl.evaluation.catalogue import find_benchmark

    mini = find_benchmark("mini_exam")
    sampling = BenchmarkSampling(temperature=1.0, max_tokens=REPLY, samples=SAMPLES)
    return list(asks_of(mini, load_items(mini, None).items[:ITEMS], sampling))


def _requests(folder: str) -> list[Any]:
    from psyche_rl.bench.item_codec import ItemCodec

    codec = ItemCodec.of_model(Path(folder) / "tiny", ENGINE["max_model_len"])
    return [codec.request(ask, ask.key) for ask in _asks()]


def vllm(folder: str) -> None:
    """vLLM alone, as it ships: same prompts, same sampling, same options."""
    from actors.engines import cpu_sampling
    from actors.engines.starting import start_llm
    from actors.engines.vllm_engine import sampling_params
    from psyche_rl.config.engine import EngineConfig

    cpu_sampling.install = lambda worker: None
    llm = start_llm(f"{folder}/tiny", EngineConfig(**ENGINE), ENGINE["max_model_len"])
    requests, turns = _requests(folder), Turns()
    prompts = [{"prompt_token_ids": list(request.prompt_ids)} for request in requests]
    for _ in range(ROUNDS + 1):
        llm.reset_prefix_cache()
        llm.generate(prompts, [sampling_params(request, 0) for request in requests], use_tqdm=False)
        turns.next_turn()


def engine(folder: str) -> None:
    """This project's engine alone."""
    from actors.engines.vllm_engine import VllmEngine
    from psyche_rl.config.engine import EngineConfig

    alone, turns = VllmEngine(f"{folder}/tiny", EngineConfig(**ENGINE)), Turns()
    requests = _requests(folder)
    for _ in range(ROUNDS + 1):
        alone.generate(requests)
        turns.next_turn()


def ours(folder: str) -> None:
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
            turns = Turns()
            for number in range(ROUNDS + 1):
                journal = ReplyJournal(Path(out) / f"replies_{number}.jsonl")
                for answered in answering(asks, "mini_exam"):
                    journal.keep(answered)
                turns.next_turn()
                assert all(journal.is_finished(ask) for ask in asks)


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
        {"vllm": vllm, "engine": engine, "ours": ours}[role](folder)
        print("{}")
        return 0
    from machine import describe_machine

    figures = measure()
    share, goal = figures["engine_share"], GOALS["engine_share"]
    result = {"figures": figures, "goals": GOALS, "met": share >= goal, "machine": describe_machine()}
    out: Path = args.out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")
    print(
        f"share of vLLM's rate: {share:.3f} (goal {goal}), {'met' if share >= goal else 'MISSED'}; "
        f"of the rate of this project's engine alone: {figures['share_of_own_engine']:.3f}"
    )
    return int(share < goal)


if __name__ == "__main__":
    sys.exit(main())
