"""The learner on one GPU: attention of variable length against sdpa, shared prompts against not.

    python benchmarks/gpu_learner.py                  # a 0.5B Qwen2 shape with random weights, some minutes
    python benchmarks/gpu_learner.py --device cpu     # a tiny shape, to see that the script works

Needs torch, transformers and verl; no vLLM, no Ray, no download. For each way of computing: tokens a
second (of the samples, whether their prompt is computed once or for each), model FLOPs utilisation where
the card's peak is known, peak memory; and the log-probabilities against those of the CPU in float32. Exit
1 if these differ by more than rounding explains. Writes benchmarks/results/gpu_learner.json (``--device
cpu``: gpu_learner_cpu.json).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import house  # noqa: F401  the repository comes first on the path

# isort: split

import numpy as np
import torch
import torch.distributed as dist
from machine import describe_machine

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.learner import Learner
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence

RESULTS = Path(__file__).resolve().parent / "results"
PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "L40": 181, "4090": 165}
"""Dense bfloat16 peaks by a part of the card's name, as their data sheets state them."""
TOLERANCE = {"bfloat16": 0.05, "float32": 1e-4}
"""Mean difference to the CPU's log-probabilities, in nats."""
WAYS = [
    ("varlen", Layout.SHARED),
    ("varlen", Layout.PACKED),
    ("sdpa", Layout.SHARED),
    ("sdpa", Layout.PACKED),
]


@dataclass(frozen=True)
class Shape:
    """Of the model, and of a step in tokens."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    prompts: int
    group: int
    prompt: int
    reply: int
    row_tokens: int
    micro_batch_tokens: int
    dtype: str


SHAPES = {
    "cuda": Shape(896, 24, 14, 2, 4864, 151936, 16, 8, 512, 512, 4096, 16384, "bfloat16"),
    "cpu": Shape(64, 2, 2, 1, 256, 1500, 8, 8, 64, 24, 256, 4096, "float32"),
}


def main() -> int:
    """Measure, write, print; the exit code tells whether the numbers are right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=SHAPES, default="cuda")
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("error: no CUDA device; --device cpu runs a tiny shape")
    shape, device = SHAPES[args.device], torch.device(args.device)
    backend = "nccl" if args.device == "cuda" else "gloo"
    dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
    card = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    with tempfile.TemporaryDirectory(prefix="psyche-rl-gpu-") as folder:
        parameters = save_model(Path(folder), shape)
        sequences = sample(shape, shape.prompts, 0)
        probe = sample(shape, 2, 1)
        expected = on_cpu(Path(folder), probe)
        rows = []
        for attention, layout in WAYS:
            learner = open_learner(Path(folder), shape, attention, device)
            learner._micro_batches = replace(learner._micro_batches, layout=layout)
            gap = float(np.abs(np.concatenate(learner.logprobs(probe)) - np.concatenate(expected)).mean())
            rows.append(
                {"attention": attention, "layout": str(layout), "gap_nats": gap}
                | speed(learner, sequences, args.steps, parameters, shape, card)
            )
            print(rows[-1], file=sys.stderr)
            del learner
    right = all(row["gap_nats"] <= TOLERANCE[shape.dtype] for row in rows)
    name = "gpu_learner.json" if args.device == "cuda" else "gpu_learner_cpu.json"
    figures = {"machine": describe_machine(), "card": card, "shape": asdict(shape), "rows": rows}
    (RESULTS / name).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(f"{card}, {parameters / 1e6:.0f}M parameters, {shape.dtype}")
    print(
        "| attention | layout | tokens/s | MFU | peak memory | nats off the CPU |\n|---|---|---|---|---|---|"
    )
    for row in rows:
        used = f"{row['mfu']:.1%}" if row["mfu"] else "–"
        print(
            f"| {row['attention']} | {row['layout']} | {row['tokens_per_s']:,.0f} | {used} "
            f"| {row['peak_gib']:.1f} GiB | {row['gap_nats']:.2g} |"
        )
    print(f"goal: at most {TOLERANCE[shape.dtype]} nats off the CPU; {'met' if right else 'MISSED'}")
    return 0 if right else 1


def save_model(folder: Path, shape: Shape) -> int:
    """A random model in the type it is computed in; returns its parameters."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.intermediate, max_position_embeddings=8192, tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).to(getattr(torch, shape.dtype))
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}", "utf-8")  # only has to be there
    return sum(p.numel() for p in model.parameters())


def sample(shape: Shape, prompts: int, seed: int) -> list[PolicySequence]:
    """Groups of random tokens, replies of half to one and a half times the shape's length."""
    dice = np.random.default_rng(seed)
    made = []
    for _ in range(prompts):
        prompt = dice.integers(3, shape.vocabulary, shape.prompt).tolist()
        for tokens in dice.integers(shape.reply // 2, shape.reply * 3 // 2, shape.group):
            reply = dice.integers(3, shape.vocabulary, tokens).tolist()
            reference = (-10 - dice.random(tokens)).astype(np.float32)
            made.append(PolicySequence.of(prompt, reply, None, float(dice.normal()), reference))
    return made


def open_learner(folder: Path, shape: Shape, attention: str, device: torch.device) -> Learner:
    config = LearnerConfig.model_validate(
        {
            "dtype": shape.dtype, "attention": attention, "row_tokens": shape.row_tokens,
            "micro_batch_tokens": shape.micro_batch_tokens, "gradient_checkpointing": device.type == "cuda",
        }
    )  # fmt: skip
    return Learner(folder, config, OptimSettings(1e-6, "constant", 10**6), device)


def on_cpu(folder: Path, sequences: list[PolicySequence]) -> list[np.ndarray]:
    """Each sequence alone by transformers' own forward pass, in float32 on the CPU."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    found = []
    for sequence in sequences:
        ids = torch.from_numpy(sequence.input_ids)
        with torch.no_grad():
            logits = model(input_ids=ids[None]).logits[0, sequence.prompt_length - 1 : -1]
        every = torch.log_softmax(logits, -1)
        found.append(every.gather(1, ids[sequence.prompt_length :, None])[:, 0].numpy())
    return found


def speed(
    learner: Learner, sequences: list[PolicySequence], steps: int, parameters: int, shape: Shape, card: str
) -> dict[str, Any]:
    """Whole policy steps, the first of which is not timed."""
    objective = PolicyObjective(kl_coef=0.001)
    cuda = card != "CPU"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    took, backward = [], None
    for _ in range(steps + 1):
        begun = time.perf_counter()
        backward = learner.policy_backward(sequences, objective)
        learner.optimizer_step()
        if cuda:
            torch.cuda.synchronize()
        took.append(time.perf_counter() - begun)
    assert backward is not None
    seconds = float(np.median(took[1:]))
    tokens = sum(len(s.input_ids) - 1 for s in sequences)
    laid = tokens * (1 - backward.metrics["prompts_saved"])
    # Two operations a weight forward, four backward; scores and values of attention beside them.
    attention = 12 * shape.layers * shape.hidden * laid * (shape.prompt + shape.reply) / 2
    peak = next((t for part, t in PEAK_TFLOPS.items() if part in card), None)
    return {
        "seconds": seconds,
        "tokens_per_s": tokens / seconds,
        "laid_tokens": laid,
        "fill": backward.metrics["fill"],
        "mfu": (6 * parameters * laid + attention) / seconds / (peak * 1e12) if peak else None,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0,
    }


if __name__ == "__main__":
    sys.exit(main())
