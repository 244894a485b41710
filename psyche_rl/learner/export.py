"""Writing a Hugging Face model folder: safetensors only, everything else as in the folder it came from.

Collaborators: ``published`` gives the tensors.
Invariant: no more than one file's tensors are held at a time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.errors import ModelError
from psyche_rl.model_folder import model_json
from psyche_rl.store.atomic import folder_or_url

if TYPE_CHECKING:
    import torch

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".index.json")
_FILE_BYTES = 2**31

Named = Iterable[tuple[str, "torch.Tensor"]]


def write_model_folder(
    weights: Named, origin: str | Path, target: str, changes: Mapping[str, Any] | None = None
) -> None:
    """A folder like ``origin`` (config, tokenizer, chat template) with other ``weights`` (name, on the CPU).

    ``target`` is a path, replaced as a whole, or an fsspec URL; ``changes`` go into its config.json.
    """
    with folder_or_url(target, last="config.json") as folder:
        _write(weights, Path(origin), folder, changes or {})


def _write(weights: Named, origin: Path, target: Path, changes: Mapping[str, Any]) -> None:
    for file in sorted(origin.iterdir()):
        if file.is_file() and not file.name.endswith(_WEIGHT_SUFFIXES) and file.name != "config.json":
            shutil.copyfile(file, target / file.name)
    dtype = _write_weights(weights, target)
    config = model_json(origin / "config.json")
    config.pop("torch_dtype", None)
    config |= {"dtype": str(dtype).removeprefix("torch."), **changes}
    (target / "config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2), "utf-8")


def _write_weights(weights: Named, target: Path) -> torch.dtype:
    """Returns the type of the first tensor."""
    from safetensors.torch import save_file

    held: dict[str, torch.Tensor] = {}
    files: list[list[str]] = []
    dtype, total = None, 0

    def flush() -> None:
        save_file(held, target / f"{len(files)}.part", metadata={"format": "pt"})
        files.append(list(held))
        held.clear()

    for name, tensor in weights:
        size = tensor.nbytes
        if held and sum(t.nbytes for t in held.values()) + size > _FILE_BYTES:
            flush()
        held[name] = tensor
        dtype, total = dtype or tensor.dtype, total + size
    flush()
    if len(files) == 1:
        (target / "0.part").rename(target / "model.safetensors")
    else:
        named = [f"model-{n:05}-of-{len(files):05}.safetensors" for n in range(1, len(files) + 1)]
        for number, name in enumerate(named):
            (target / f"{number}.part").rename(target / name)
        places = {tensor: name for name, tensors in zip(named, files, strict=True) for tensor in tensors}
        index = {"metadata": {"total_size": total}, "weight_map": places}
        (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), "utf-8")
    if dtype is None:
        raise ModelError(f"{target}: the model to write has no weights")
    return dtype
