"""Tiny, randomly initialised models of the three families that the mini world uses.

Invariant: the same config, family and seed give the same weights, bit for bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psyche_rl.config.mini import Family, MiniModelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def make_model(
    family: Family, shape: MiniModelConfig, tokenizer: PreTrainedTokenizerBase, seed: int, folder: Path
) -> None:
    """Initialise a model and save it with its tokenizer as a Hugging Face folder (safetensors)."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, Phi3Config, Qwen2Config, set_seed
    from transformers.utils import logging

    config_class = {"qwen2": Qwen2Config, "llama": LlamaConfig, "phi3": Phi3Config}[family]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.max_positions,
        tie_word_embeddings=shape.tie_embeddings,
        initializer_range=shape.init_std,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    logging.disable_progress_bar()
    set_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
