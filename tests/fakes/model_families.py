"""Tiny random models of every family in docs/models.md, as Hugging Face folders with a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_models import EOS, VOCAB, byte_tokenizer

COMMON = {
    "vocab_size": VOCAB, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 256,
    "initializer_range": 0.2, "bos_token_id": None, "eos_token_id": EOS, "pad_token_id": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """How the models of a family are made; ``settings`` are added to the common ones, None takes one away."""

    title: str
    model_type: str
    settings: dict[str, Any] = field(default_factory=dict)
    tied: tuple[bool, ...] = (False, True)
    """Whether models of the family tie the output layer to the embeddings."""


_EXPERTS = {"num_experts_per_tok": 2}
_GEMMA = {"query_pre_attn_scalar": 32, "sliding_window": 128}
_GPT = {"intermediate_size": None, "num_key_value_heads": None, "head_dim": None}

FAMILIES = {
    "qwen2": Family("Qwen2, Qwen2.5", "qwen2", {"head_dim": None}),
    "qwen3": Family("Qwen3", "qwen3"),
    "qwen3_moe": Family(
        "Qwen3-MoE", "qwen3_moe", {**_EXPERTS, "num_experts": 4, "moe_intermediate_size": 32}, (False,)
    ),
    "llama": Family("Llama", "llama"),
    "mistral": Family("Mistral", "mistral", {"sliding_window": None}, (False,)),
    "mixtral": Family("Mixtral", "mixtral", {**_EXPERTS, "num_local_experts": 4}, (False,)),
    "gemma2": Family("Gemma 2", "gemma2", _GEMMA, (True,)),
    "gemma3_text": Family("Gemma 3 (text)", "gemma3_text", _GEMMA, (True,)),
    "phi3": Family("Phi-3", "phi3", {"head_dim": None}),
    "glm4": Family("GLM-4", "glm4", {}, (False,)),
    "gpt2": Family("GPT-2", "gpt2", _GPT, (True,)),
    "opt": Family("OPT", "opt", {**_GPT, "ffn_dim": 96, "word_embed_proj_dim": 64, "init_std": 0.2}, (True,)),
    "granite": Family(
        "Granite", "granite", {"head_dim": None, "logits_scaling": 4.0, "residual_multiplier": 0.5}
    ),
    "cohere": Family("Cohere", "cohere", {"head_dim": None, "logit_scale": 0.25}, (True,)),
}
"""By the name that tests and the table's rows call them by."""


def save_family(folder: Path, name: str, tied: bool, seed: int = 0) -> Any:
    """Save a seeded model of the family with its tokenizer; returns it."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    family = FAMILIES[name]
    settings = {
        k: v for k, v in {**COMMON, **family.settings}.items() if v is not None or k == "bos_token_id"
    }
    config = AutoConfig.for_model(family.model_type, **settings, tie_word_embeddings=tied)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for parameter in model.parameters():  # biases and norms are constants when they are new
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return model
