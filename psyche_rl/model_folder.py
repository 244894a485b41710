"""What is in a model folder, read without loading it; and where a model name leads.

Collaborators: engines, learners and stages, which all check a folder here before anything slow starts.
Invariants:
- Safetensors only.
- Errors are one line that names the folder and the remedy.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.errors import ModelError
from psyche_rl.model_copy import local_copy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_ENDS = 1 << 20
_DOWNLOAD = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, exactly as its ``tokenizer.json`` says.

    Not ``AutoTokenizer``: for some architectures, Qwen2 among them, transformers 5.10 puts its own class in
    the place of the saved one, which silently drops characters that the saved vocabulary splits otherwise.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if (Path(folder) / "tokenizer.json").is_file():
        return PreTrainedTokenizerFast.from_pretrained(folder)  # type: ignore[no-any-return]
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # type: ignore[no-any-return]


def model_folder(name: str | Path) -> Path:
    """This node's folder of a model given as a folder, an fsspec URL or a Hugging Face name.

    The latter two are fetched where this node has no copy yet.

    Raises:
        ModelError: no such folder or model, or config, tokenizer or safetensors are missing.
    """
    folder = local_copy(str(name)) if "://" in str(name) else Path(name).expanduser()
    if not folder.is_dir():
        folder = _download(str(name))
    if not (folder / "config.json").is_file():
        raise ModelError(f"{name}: no config.json; give a Hugging Face model folder")
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ModelError(
            f"{name}: no tokenizer ({' or '.join(TOKENIZER_FILES[:2])}); save it beside the model"
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{name}: no *.safetensors; convert the weights (other formats are not loaded)")
    return folder


def context_length(folder: Path, wanted: int) -> int:
    """Tokens that prompt and reply may take together: ``wanted``, or what the model can if that is less."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return min(wanted, int(config.get("max_position_embeddings") or wanted))


def stop_token_ids(folder: Path, eos: int) -> tuple[int, ...]:
    """The tokenizer's ``eos`` and whatever else ends a turn by the model's generation_config.json.

    Chat models often end their turns with another token than the tokenizer's (Phi-3, Llama 3).
    """
    path = folder / "generation_config.json"
    more = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    return tuple(sorted({eos, *([more] if isinstance(more, int) else more or [])}))


def parameter_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every saved parameter, from the safetensors headers alone.

    Source: safetensors format: an 8-byte little-endian length, then a JSON header.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header: dict[str, Any] = json.loads(file.read(length))
        shapes.update({k: tuple(v["shape"]) for k, v in header.items() if k != "__metadata__"})
    return shapes


def fingerprint(folder: Path) -> str:
    """Tells models apart without reading all of them: config; size, head and tail of each weight file."""
    sha = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        with path.open("rb") as file:
            sha.update(f"{path.name}:{size}".encode() + file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            sha.update(file.read())
    return sha.hexdigest()[:16]


def _download(name: str) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"{name}: no such model folder")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=_DOWNLOAD))
    except Exception as error:  # hub errors come in many classes, all of them the user's to solve
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{name}: neither a folder nor a model that can be fetched: {why}") from None
