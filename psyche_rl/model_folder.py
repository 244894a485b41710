"""What is in a model folder, read without loading it; and where a model name leads.

Collaborators: engines, learners and stages, which all check a folder here before anything slow starts.
Invariants:
- Safetensors only, and :func:`weight_files` alone says which of them are the model's.
- Errors are one line that names the folder and the remedy.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.errors import ModelError
from psyche_rl.model_copy import WEIGHTS, local_copy
from psyche_rl.safetensors_header import read_header

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_INDEX = "model.safetensors.index.json"
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
    folder = _found(name, weights=True)
    weight_files(folder)
    return folder


def tokenizer_folder(name: str | Path) -> Path:
    """The same for those who only need config and tokenizer: no weights are fetched.

    Raises:
        ModelError: no such folder or model, or config or tokenizer are missing; of a folder also its weights.
    """
    folder = _found(name, weights=False)
    if folder == Path(name).expanduser():
        weight_files(folder)
    return folder


def _found(name: str | Path, weights: bool) -> Path:
    folder = local_copy(str(name), weights) if "://" in str(name) else Path(name).expanduser()
    if not folder.is_dir():
        folder = _download(str(name), weights)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{name}: no config.json; give a Hugging Face model folder")
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ModelError(
            f"{name}: no tokenizer ({' or '.join(TOKENIZER_FILES[:2])}); save it beside the model"
        )
    model_json(folder / "config.json")
    return folder


def model_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model folder.

    Raises:
        ModelError: it holds none.
    """
    try:
        tree = json.loads(path.read_text("utf-8"))
        if isinstance(tree, dict):
            return tree
        why = f"a {type(tree).__name__}, not an object"
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:100]
    raise ModelError(f"{path}: cannot be read ({why}); download the model again")


def context_length(folder: Path, wanted: int) -> int:
    """Tokens that prompt and reply may take together: ``wanted``, or what the model can if that is less."""
    config = model_json(folder / "config.json")
    return min(wanted, int(config.get("max_position_embeddings") or wanted))


def stop_token_ids(folder: Path, eos: int | None) -> tuple[int, ...]:
    """All that ends a turn: the tokenizer's ``eos``, and those of config.json and generation_config.json.

    One definition for rollouts, selectors, evaluation and engines that serve a teacher. Chat models often end
    their turns with another token than the tokenizer's (Phi-3, Llama 3, Gemma), and name it in one file only.

    Raises:
        ModelError: nothing ends a turn.
    """
    found = set() if eos is None else {eos}
    for name in ("config.json", "generation_config.json"):
        path = folder / name
        if path.is_file():
            found |= _eos_of(model_json(path))
    if not found:
        raise ModelError(f"{folder}: no token ends a turn; set eos_token in tokenizer_config.json")
    return tuple(sorted(found))


def _eos_of(config: dict[str, Any]) -> set[int]:
    """One number or a list of them; models that also see pictures have it in the part that writes."""
    parts = (config, config.get("text_config") or {})
    given = [part.get("eos_token_id") for part in parts]
    flat = [each for value in given for each in (value if isinstance(value, list) else [value])]
    return {each for each in flat if isinstance(each, int) and each >= 0}


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the model: those of the index, else ``model*.safetensors``, else all safetensors.

    What else lies there (``consolidated.safetensors`` in Mistral's own format, adapters) is not the model's.

    Raises:
        ModelError: there are none, some that the index names are missing, or it is not clear which count.
    """
    index, found = folder / _INDEX, {path.name: path for path in sorted(folder.glob("*.safetensors"))}
    if not index.is_file():
        own = [path for name, path in found.items() if name.startswith("model")]
        if not found:
            raise ModelError(
                f"{folder}: no *.safetensors; convert the weights (other formats are not loaded)"
            )
        return own or list(found.values())
    try:
        named = sorted(set(model_json(index)["weight_map"].values()))
    except (KeyError, AttributeError, TypeError):
        raise ModelError(f"{index}: cannot be read; download the model again") from None
    if absent := [name for name in named if name not in found]:
        raise ModelError(
            f"{folder}: of its weights {', '.join(absent)} are missing; download the model again"
        )
    if "model.safetensors" in found and "model.safetensors" not in named:
        raise ModelError(
            f"{folder}: model.safetensors lies beside {_INDEX}; remove the one that is out of date"
        )
    return [found[name] for name in named]


def stray_files(folder: Path) -> list[Path]:
    """Safetensors that are not the model's, though a loader may take them for it."""
    own = set(weight_files(folder))
    return [path for path in sorted(folder.glob("*.safetensors")) if path not in own]


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor is stored, and as what."""

    file: Path
    dtype: str
    """As safetensors calls it: F32, BF16, ..."""
    shape: tuple[int, ...]


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Every saved tensor by its name, from the safetensors headers alone.

    Raises:
        ModelError: a header does not fit its file, or two files hold a tensor of one name.
    """
    stored: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        header = read_header(path)
        if twice := stored.keys() & header.keys():
            raise ModelError(
                f"{path}: holds {min(twice)}, as {stored[min(twice)].file.name} does; remove one"
            )
        stored.update({k: StoredTensor(path, v["dtype"], tuple(v["shape"])) for k, v in header.items()})
    return stored


def parameter_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every saved parameter."""
    return {name: tensor.shape for name, tensor in stored_tensors(folder).items()}


def fingerprint(folder: Path) -> str:
    """Tells models apart without reading all of them: config; size, head and tail of each weight file."""
    sha = hashlib.sha256((folder / "config.json").read_bytes())
    for path in weight_files(folder):
        size = path.stat().st_size
        with path.open("rb") as file:
            sha.update(f"{path.name}:{size}".encode() + file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            sha.update(file.read())
    return sha.hexdigest()[:16]


def _download(name: str, weights: bool) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"{name}: no such model folder")
    from huggingface_hub import snapshot_download

    try:
        wanted = [pattern for pattern in _DOWNLOAD if weights or not pattern.endswith(WEIGHTS)]
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # hub errors come in many classes, all of them the user's to solve
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{name}: neither a folder nor a model that can be fetched: {why}") from None
