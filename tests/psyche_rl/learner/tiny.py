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
    """Ratios well away from 1, advantages of both signs, single masked tokens and one masked sample."""
    rng = np.random.default_rng(seed + 1)
    made = []
    for n, s in enumerate(sft_sequences(count, seed)):
        size = len(s.input_ids) - s.prompt_length
        made.append(
            PolicySequence(
                s.input_ids,
                s.prompt_length,
                old_logprobs=-4.5 + rng.normal(size=size),
                advantages=np.full(size, rng.normal()),
                mask=np.zeros(size, bool) if n == 2 else rng.random(size) < 0.9,
                reference_logprobs=-4.5 + rng.normal(size=size),
            )
        )
    return made
