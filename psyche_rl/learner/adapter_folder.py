"""Writing adapters in peft's own format, so that peft, vLLM and others load them beside the base model.

Collaborators: ``lora`` knows the adapters; ``export`` writes the whole model that they make.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from psyche_rl.learner.lora import ADAPTER, named_adapters
from psyche_rl.learner.ranks import is_first
from psyche_rl.store.atomic import folder_or_url

Factors = Mapping[str, tuple[torch.Tensor, torch.Tensor]]
"""Layer -> whole A [rank, in] and B [out, rank]."""
_PREFIX = "base_model.model."


def write_adapter_folder(lm: Any, base: str, target: str) -> None:
    """``adapter_config.json`` and ``adapter_model.safetensors``, by the first rank. Collective.

    Args:
        lm: the adapted model.
        base: the model folder that the adapters belong to.
        target: a path, replaced as a whole, or an fsspec URL.

    Raises:
        ValueError: it has no adapters.
    """
    factors = {name: adapter.whole() for name, adapter in named_adapters(lm)}
    if not factors:
        raise ValueError("this model has no adapters")
    if is_first():
        with folder_or_url(target, last="adapter_config.json") as folder:
            _write(lm, factors, base, folder)
    if dist.is_initialized():
        dist.barrier()


def _write(lm: Any, factors: Factors, base: str, folder: Path) -> None:
    from safetensors.torch import save_file

    tensors = {}
    for name, (a, b) in factors.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = a.cpu().contiguous()
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = b.cpu().contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = lm.peft_config[ADAPTER].to_dict()
    settings |= {"base_model_name_or_path": base, "inference_mode": True}
    # peft writes its sets as they come, in another order in each process.
    settings = {key: sorted(value) if isinstance(value, set) else value for key, value in settings.items()}
    text = json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "adapter_config.json").write_text(text, "utf-8")
