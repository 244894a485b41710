"""Hugging Face model folders: what must be in one, and how one is written.

Invariants: weights are read from and written to safetensors only; code in a model folder is never run.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.errors import ModelError

if TYPE_CHECKING:
    import torch

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".index.json")


def check_model_folder(path: str | Path) -> Path:
    """``path``, if it holds all that training needs.

    Raises:
        ModelError: the folder, its config, tokenizer or safetensors weights are missing.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder; give a folder in Hugging Face format")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: holds no config.json, so it is not a Hugging Face model folder")
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ModelError(f"{folder}: holds no tokenizer ({', '.join(_TOKENIZER_FILES)}); copy it there")
    if not any(folder.glob("*.safetensors")):
        found = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"})
        why = f"only {found[0]}, and pickled weights are not loaded" if found else "no weights"
        raise ModelError(f"{folder}: {why}; save the model as safetensors")
    return folder


def resolve_model(name: str) -> Path:
    """A model folder from a path or from a Hugging Face Hub name (downloaded: safetensors and JSON only).

    Raises:
        ModelError: it is neither, or cannot be downloaded.
    """
    if Path(name).is_dir() or name.count("/") != 1 or name.startswith(("/", ".", "~")):
        return check_model_folder(Path(name).expanduser())
    from huggingface_hub import snapshot_download

    patterns = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
    try:
        return check_model_folder(snapshot_download(name, allow_patterns=patterns))
    except ModelError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise ModelError(f"{name}: no such folder, and not to be had from the Hub ({reason})") from None


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
            fs.put(f"{local}/", f"{remote}/", recursive=True)
        return
    aside = Path(f"{target}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    _write(weights, Path(origin), aside)
    shutil.rmtree(target, ignore_errors=True)
    aside.replace(target)


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
