"""Tiny models and sequences, made on the fly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from psyche_rl.learner.sequence import PolicySequence, SftSequence

VOCAB = 97
SHAPE = {
    "vocab_size": VOCAB,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def make_model(folder: Path, family: str = "qwen2", tied: bool = True, dtype: str = "float32") -> Path:
    """A seeded model folder; the tokenizer file is a placeholder that only has to be there."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(family, **SHAPE, tie_word_embeddings=tied)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config).to(getattr(torch, dtype))
    for parameter in model.parameters():  # the usual 0.02 makes all logits alike and tests blind
        parameter.data += 0.15 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    return folder


def sft_sequences(count: int = 9, seed: int = 0) -> list[SftSequence]:
    rng = np.random.default_rng(seed)
    sizes = [(int(rng.integers(1, 12)), int(rng.integers(1, 15))) for _ in range(count)]
    return [SftSequence(rng.integers(3, VOCAB, p + r), p) for p, r in sizes]


def policy_sequences(count: int = 9, seed: int = 0) -> list[PolicySequence]:
    """Groups of three; ratios well off 1, advantages of both signs, masked tokens and one masked sample."""
    rng = np.random.default_rng(seed + 1)
    made = []
    alone = sft_sequences(count, seed)
    for n, s in enumerate(alone):
        first = alone[n - n % 3]
        size = len(s.input_ids) - s.prompt_length
        prompt, response = np.split(first.input_ids, [first.prompt_length])[0], s.input_ids[s.prompt_length :]
        made.append(
            PolicySequence(
                np.concatenate([prompt, response]),
                len(prompt),
                old_logprobs=-4.5 + rng.normal(size=size),
                advantages=np.full(size, rng.normal()),
                mask=np.zeros(size, bool) if n == 2 else rng.random(size) < 0.9,
                reference_logprobs=-4.5 + rng.normal(size=size),
                name=f"group {n // 3}",
            )
        )
    return made


def policy_step(learner, sequences, objective):
    """A mini-batch from gradient to applied step."""
    return {**learner.policy_backward(sequences, objective).metrics, **learner.optimizer_step()}


def train(learner, steps):
    """SFT and policy steps in turn, with new sequences each time."""
    from psyche_rl.learner.objectives import PolicyObjective

    rows = []
    for n in steps:
        rows.append(learner.sft_step(sft_sequences(seed=n)))
        rows.append(policy_step(learner, policy_sequences(seed=n), PolicyObjective(kl_coef=0.01)))
    return rows
