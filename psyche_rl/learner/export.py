"""Writing a Hugging Face model folder: safetensors only, everything else as in the folder it came from."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.store.atomic import written_folder

if TYPE_CHECKING:
    import torch

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".index.json")


def write_model_folder(weights: Mapping[str, torch.Tensor], origin: str | Path, target: str) -> None:
    """A folder like ``origin`` (config, tokenizer, chat template) with other ``weights``.

    ``target`` is a path, replaced as a whole, or an fsspec URL.
    """
    if "://" in target:
        import fsspec

        with tempfile.TemporaryDirectory(prefix="psyche-rl-export-") as local:
            _write(weights, Path(origin), Path(local))
            fs, remote = fsspec.core.url_to_fs(target)
            fs.makedirs(remote, exist_ok=True)
            # The config last: a folder that has one is whole.
            for file in sorted(Path(local).iterdir(), key=lambda file: file.name == "config.json"):
                fs.put_file(str(file), f"{remote}/{file.name}")
        return
    with written_folder(target) as folder:
        _write(weights, Path(origin), folder)


def _write(weights: Mapping[str, torch.Tensor], origin: Path, target: Path) -> None:
    from huggingface_hub import save_torch_state_dict

    for file in sorted(origin.iterdir()):
        if file.is_file() and not file.name.endswith(_WEIGHT_SUFFIXES) and file.name != "config.json":
            shutil.copyfile(file, target / file.name)
    config: dict[str, Any] = json.loads((origin / "config.json").read_text("utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    (target / "config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2), "utf-8")
    save_torch_state_dict(dict(weights), target, metadata={"format": "pt"})
