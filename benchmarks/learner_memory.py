"""Private memory of all ranks while a model is loaded, against what they must hold.

    python benchmarks/learner_memory.py [--ranks 2] [--layers 8]

Goal (exit 1 if missed): peaks of all ranks together <= 1.2 x (float32 shards + the largest tensor as stored).
A peak is the unique set size (USS) above that of the same process before, with everything imported and a tiny
model loaded. For comparison: each rank loads the whole model by ``from_pretrained``, as it was done before.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
import torch.distributed as dist

GOAL = 1.2
MIB = 2**20


def loading_memory(ranks: int = 2, layers: int = 8) -> dict[str, float]:
    """Load a random bfloat16 model of 4096-wide layers over ``ranks`` processes and watch them.

    Returns:
        peak_mib (of all ranks together), needed_mib (float32 shards and the largest tensor), ratio, seconds,
        and before_mib, the peak by ``from_pretrained`` in every rank.
    """
    with tempfile.TemporaryDirectory(prefix="psyche-rl-memory-") as folder:
        _save(Path(folder, "tiny"), layers=1, hidden=64, vocabulary=64)
        largest = _save(Path(folder, "model"), layers=layers, hidden=1024, vocabulary=32768)
        torch.multiprocessing.start_processes(_rank, args=(ranks, folder), nprocs=ranks, start_method="spawn")
        seen = [json.loads(Path(folder, f"rank{rank}.json").read_text()) for rank in range(ranks)]
    needed = sum(rank["shards"] for rank in seen) + largest
    peak = sum(rank["peak"] for rank in seen)
    return {
        "ranks": ranks,
        "peak_mib": peak / MIB,
        "needed_mib": needed / MIB,
        "ratio": peak / needed,
        "seconds": max(rank["seconds"] for rank in seen),
        "before_mib": sum(rank["before"] for rank in seen) / MIB,
    }


def _save(folder: Path, layers: int, hidden: int, vocabulary: int) -> int:
    """Returns the bytes of the largest tensor."""
    from transformers import AutoModelForCausalLM, Qwen2Config
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 32, num_key_value_heads=hidden // 32, tie_word_embeddings=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    return max(parameter.nbytes for parameter in model.parameters())


def _rank(rank: int, ranks: int, folder: str) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    from psyche_rl.learner.loading import load_sharded

    logging.disable_progress_bar()
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", store=dist.FileStore(f"{folder}/store", ranks), rank=rank, world_size=ranks
    )
    mesh = init_device_mesh("cpu", (ranks,))

    def sharded(name: str) -> Any:
        return load_sharded(Path(folder, name), mesh, torch.device("cpu"), torch.float32, torch.bfloat16)

    def whole(name: str) -> Any:
        return AutoModelForCausalLM.from_pretrained(Path(folder, name), dtype=torch.float32)

    model, peak, seconds = _watched(sharded)
    shards = sum(p.to_local().nbytes for p in model.parameters())
    del model
    _, before, _ = _watched(whole)
    seen = {"peak": peak, "shards": shards, "seconds": seconds, "before": before}
    Path(folder, f"rank{rank}.json").write_text(json.dumps(seen))
    dist.destroy_process_group()


def _watched(load: Callable[[str], Any]) -> tuple[Any, int, float]:
    """The model, the peak of private memory above that before, and how long it took."""
    load("tiny")
    gc.collect()
    dist.barrier()
    at_first, started = _private(), time.perf_counter()
    with _highest() as highest:
        model = load("model")
    return model, highest[0] - at_first, time.perf_counter() - started


@contextmanager
def _highest() -> Iterator[list[int]]:
    """Samples as fast as the kernel answers; the one entry is the highest so far."""
    seen, done = [_private()], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            seen[0] = max(seen[0], _private())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        seen[0] = max(seen[0], _private())


def _private() -> int:
    return int(psutil.Process().memory_full_info().uss)


def main() -> int:
    """Print the figures; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--layers", type=int, default=8)
    figures = loading_memory(**vars(parser.parse_args()))
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    return 0 if figures["ratio"] <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
