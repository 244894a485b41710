"""Tiny models of the families under test, with a byte-level tokenizer, as Hugging Face folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from psyche_rl.weights.arrays import to_numpy

VOCAB = 300
EOS = 2


def save_tiny_model(
    folder: Path, family: str = "qwen2", tie: bool = True, seed: int = 0, context: int = 512
) -> Any:
    """A model with outspoken logits (wide initialisation), saved with its tokenizer; returns it."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, Phi3Config, Qwen2Config

    kind = {"qwen2": Qwen2Config, "llama": LlamaConfig, "phi3": Phi3Config}[family]
    config = kind(
        vocab_size=VOCAB, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=context, tie_word_embeddings=tie,
        initializer_range=0.3,
        bos_token_id=None, eos_token_id=EOS, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return model


def save_model_that_says(folder: Path, text: str, context: int = 4096) -> None:
    """A model that answers any prompt with ``text`` (ASCII, no spaces) and ends, in ``context`` tokens.

    The text is one token. Nothing but the last token reaches the output: any token is followed by the text,
    and the text by the end.
    """
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    tokenizer = byte_tokenizer()
    tokenizer.add_tokens([text])
    said = tokenizer.convert_tokens_to_ids(text)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=context,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=EOS, pad_token_id=0,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    layer, embedding, head = model.model.layers[0], model.model.embed_tokens.weight, model.lm_head.weight
    with torch.no_grad():
        for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight, embedding, head):
            weight.zero_()
        embedding[:, 0] = 1.0
        embedding[said] = torch.eye(64)[1]
        head[said, 0] = head[EOS, 1] = 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def byte_tokenizer() -> Any:
    """One token a byte, four special tokens, a bare chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = ["<pad>", "<unk>", "<eos>", "<bos>"]
    vocab = {t: i for i, t in enumerate([*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    core = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", eos_token="<eos>", bos_token="<bos>"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    return tokenizer


def weights_of(model: Any) -> dict[str, np.ndarray]:
    """What a learner publishes: saved names only (no ``lm_head`` where it is tied), read-only as from Ray."""
    tied = model.config.tie_word_embeddings
    weights = {
        n: to_numpy(t).copy() for n, t in model.state_dict().items() if not (tied and n == "lm_head.weight")
    }
    for array in weights.values():
        array.flags.writeable = False
    return weights
