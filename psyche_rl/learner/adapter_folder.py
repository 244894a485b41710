"""Writing adapters in peft's own format, so that peft, vLLM and others load them beside the base model."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.learner.lora import ADAPTER
from psyche_rl.store.atomic import written_folder

if TYPE_CHECKING:
    import torch

_PREFIX = "base_model.model."


def write_adapter_folder(
    lm: Any, factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]], base: str, target: str
) -> None:
    """``adapter_config.json`` and ``adapter_model.safetensors``.

    Args:
        lm: the adapted model, for what is adapted and how.
        factors: layer -> whole A [rank, in] and B [out, rank], on the CPU.
        base: the model folder that the adapters belong to.
        target: a path, replaced as a whole, or an fsspec URL.
    """
    if "://" in target:
        import fsspec

        with tempfile.TemporaryDirectory(prefix="psyche-rl-adapter-") as local:
            _write(lm, factors, base, Path(local))
            fs, remote = fsspec.core.url_to_fs(target)
            fs.makedirs(remote, exist_ok=True)
            # The config last: a folder that has one is whole.
            for file in sorted(Path(local).iterdir(), key=lambda file: file.name == "adapter_config.json"):
                fs.put_file(str(file), f"{remote}/{file.name}")
        return
    with written_folder(target) as folder:
        _write(lm, factors, base, folder)


def _write(
    lm: Any, factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]], base: str, folder: Path
) -> None:
    from safetensors.torch import save_file

    tensors = {}
    for name, (a, b) in factors.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = a.contiguous()
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = b.contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = copy(lm.peft_config[ADAPTER])
    config.base_model_name_or_path, config.inference_mode = base, True
    config.target_modules = sorted(config.target_modules)  # a set, whose order is another in each process
    config.save_pretrained(folder)
