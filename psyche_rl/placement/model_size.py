"""How large a model is, told from its Hugging Face config alone: no weights, nothing downloaded.

Collaborators: ``memory`` plans with it; ``psyche_rl.learner.adapter_size`` counts LoRA's parameters from the
shapes made here. ``known_models.yaml`` has the configs of models that the presets name, so that they can be
planned on a machine that has none of them.
Invariant: the shapes are those of the saved folder for Llama-like decoders (Llama, Mistral, Qwen2, Qwen3,
Phi-3, Gemma, Granite and their mixtures of experts); a model of another make is unknown (None), not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import yaml

from psyche_rl.config.lora import LoraConfig
from psyche_rl.config.mini import MiniModelConfig
from psyche_rl.errors import ModelError
from psyche_rl.learner.adapter_size import trained_parameters
from psyche_rl.model_folder import model_json

_BIASED = ("qwen2",)
"""Model types whose query, key and value projections have a bias whatever the config says."""
_NORMED_HEADS = ("qwen3", "qwen3_moe")
"""Model types with a norm over each query and key head."""
_FOUR_NORMS = ("gemma2", "gemma3_text")
_FUSED = ("phi3",)
"""Model types with one tensor for q, k and v, and one for gate and up."""
_PLAIN = ("llama", "mistral", "gemma", "granite")
_MIXTURES = ("mixtral", "qwen3_moe")
KNOWN_TYPES = (*_BIASED, *_NORMED_HEADS, *_FOUR_NORMS, *_FUSED, *_PLAIN, *_MIXTURES)

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class ModelSize:
    """What the plan of a model's memory is made from."""

    parameters: int
    layers: int
    hidden: int
    intermediate: int
    """Width of the feed-forward layer that one token passes: of all its experts where there are some."""
    kv_width: int
    """Numbers of keys and values that a layer caches for one token."""
    kv_heads: int
    vocab: int
    in_one_layer: int
    """Parameters of a decoder layer."""
    outside_layers: int
    """Parameters of embedding, output layer and last norm, which FSDP gathers together."""
    largest_tensor: int
    adapters: int = 0
    """Parameters that LoRA trains; 0 without it."""

    @property
    def trained(self) -> int:
        """Parameters that have a gradient."""
        return self.adapters or self.parameters

    def kv_bytes(self, element: int) -> int:
        """Of the cache for one token, where a number takes ``element`` bytes."""
        return self.layers * self.kv_width * element


def model_size(model: str | None, mini: MiniModelConfig | None, lora: LoraConfig | None) -> ModelSize | None:
    """Of a folder here, of a model in the hub's local cache, of a known model, or of the mini world's.

    None: its config is not on this machine, or is of a make that is not known.
    """
    if model is None:
        return None if mini is None else size_of(_mini_config(mini), None)
    config = _folder_config(Path(model).expanduser()) or _cached_config(model) or _known().get(model)
    return None if config is None else size_of(config, lora)


def size_of(config: Mapping[str, Any], lora: LoraConfig | None = None) -> ModelSize | None:
    """Of the model that a ``config.json`` describes."""
    shapes = saved_shapes(config)
    if not shapes:
        return None
    layers = int(config["num_hidden_layers"])
    inside = sum(prod(shape) for name, shape in shapes.items() if name.startswith("model.layers."))
    parameters = trained_parameters(shapes, None)
    heads, width = _kv_heads(config), _head_width(config)
    experts = int(config.get("num_experts_per_tok") or 1)
    return ModelSize(
        parameters=parameters,
        layers=layers,
        hidden=int(config["hidden_size"]),
        intermediate=int(config.get("moe_intermediate_size") or config["intermediate_size"]) * experts,
        kv_width=2 * heads * width,
        kv_heads=heads,
        vocab=int(config["vocab_size"]),
        in_one_layer=inside // layers,
        outside_layers=parameters - inside,
        largest_tensor=max(map(prod, shapes.values())),
        adapters=trained_parameters(shapes, lora) if lora is not None else 0,
    )


def saved_shapes(config: Mapping[str, Any]) -> Shapes:
    """Name -> shape of every saved parameter; empty for a make that is not known."""
    kind = str(config.get("model_type", ""))
    if kind not in KNOWN_TYPES:
        return {}
    hidden, vocab = int(config["hidden_size"]), int(config["vocab_size"])
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocab, hidden),
        "model.norm.weight": (hidden,),
    }
    # The families differ in what a config without the key means.
    if not config.get("tie_word_embeddings", kind.startswith("gemma")):
        shapes["lm_head.weight"] = (vocab, hidden)
    for layer in range(int(config["num_hidden_layers"])):
        for name, shape in _layer(kind, config).items():
            shapes[f"model.layers.{layer}.{name}"] = shape
    return shapes


def _layer(kind: str, config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, width = int(config["hidden_size"]), _head_width(config)
    queries, keys = int(config["num_attention_heads"]) * width, _kv_heads(config) * width
    norms = ["input_layernorm", "post_attention_layernorm"]
    if kind in _FOUR_NORMS:
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (hidden,) for name in norms}
    if kind in _FUSED:
        shapes["self_attn.qkv_proj.weight"] = (queries + 2 * keys, hidden)
    else:
        for name, rows in (("q", queries), ("k", keys), ("v", keys)):
            shapes[f"self_attn.{name}_proj.weight"] = (rows, hidden)
            if kind in _BIASED or config.get("attention_bias"):
                shapes[f"self_attn.{name}_proj.bias"] = (rows,)
    shapes["self_attn.o_proj.weight"] = (hidden, queries)
    if config.get("attention_bias") and kind not in _BIASED:
        shapes["self_attn.o_proj.bias"] = (hidden,)
    if kind in (*_NORMED_HEADS, "gemma3_text"):
        shapes |= {"self_attn.q_norm.weight": (width,), "self_attn.k_norm.weight": (width,)}
    return shapes | _feed_forward(kind, config)


def _feed_forward(kind: str, config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    if kind in _FUSED:
        return {"mlp.gate_up_proj.weight": (2 * inner, hidden), "mlp.down_proj.weight": (hidden, inner)}
    if kind not in _MIXTURES:
        return _gated("mlp", ("gate_proj", "up_proj", "down_proj"), hidden, inner)
    count = int(config.get("num_local_experts") or config["num_experts"])
    if kind == "mixtral":
        room, names = "block_sparse_moe", ("w1", "w3", "w2")
    else:
        room, names, inner = (
            "mlp",
            ("gate_proj", "up_proj", "down_proj"),
            int(config["moe_intermediate_size"]),
        )
    shapes: dict[str, tuple[int, ...]] = {f"{room}.gate.weight": (count, hidden)}
    for expert in range(count):
        shapes |= _gated(f"{room}.experts.{expert}", names, hidden, inner)
    return shapes


def _gated(room: str, names: tuple[str, str, str], hidden: int, inner: int) -> dict[str, tuple[int, ...]]:
    gate, up, down = names
    wide: tuple[int, ...] = (inner, hidden)
    return {
        f"{room}.{gate}.weight": wide,
        f"{room}.{up}.weight": wide,
        f"{room}.{down}.weight": (hidden, inner),
    }


def _kv_heads(config: Mapping[str, Any]) -> int:
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _head_width(config: Mapping[str, Any]) -> int:
    return int(config.get("head_dim") or int(config["hidden_size"]) // int(config["num_attention_heads"]))


def _mini_config(mini: MiniModelConfig) -> dict[str, Any]:
    return {
        "model_type": "qwen2",
        "hidden_size": mini.hidden_size,
        "intermediate_size": mini.intermediate_size,
        "num_hidden_layers": mini.layers,
        "num_attention_heads": mini.heads,
        "vocab_size": mini.vocab_size,
        "tie_word_embeddings": mini.tie_embeddings,
    }


def _folder_config(folder: Path) -> dict[str, Any] | None:
    file = folder / "config.json"
    try:
        found = model_json(file) if file.is_file() else {}
    except ModelError:
        return None  # told by the check of models
    return found or None


def _cached_config(model: str) -> dict[str, Any] | None:
    """From the hub's cache on this machine; its library is light and downloads nothing here."""
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        return None
    from huggingface_hub import try_to_load_from_cache

    file = try_to_load_from_cache(model, "config.json")
    return _folder_config(Path(file).parent) if isinstance(file, str) else None


@cache
def _known() -> dict[str, dict[str, Any]]:
    text = Path(__file__).with_name("known_models.yaml").read_text("utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found
