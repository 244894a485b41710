"""The weights of a model folder in the form that engines take in memory.

Collaborators: the eval stage, which shows one live engine one model after another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from psyche_rl.model_folder import model_json, parameter_shapes, weight_files
from psyche_rl.weights.arrays import to_numpy

# What may differ between two folders of one architecture without changing what an engine builds.
_INCIDENTAL = {"transformers_version", "dtype", "torch_dtype", "_name_or_path", "use_cache", "architectures"}


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """Name -> array of every saved parameter (bfloat16 as uint16 views)."""
    from safetensors import safe_open

    weights: dict[str, np.ndarray] = {}
    for path in weight_files(folder):
        with safe_open(str(path), framework="pt") as file:
            weights.update({name: to_numpy(file.get_tensor(name)) for name in file.keys()})  # noqa: SIM118
    return weights


def same_architecture(one: Path, other: Path) -> bool:
    """Whether an engine that serves ``one`` can take the weights of ``other``."""
    return _config(one) == _config(other) and parameter_shapes(one) == parameter_shapes(other)


def _config(folder: Path) -> dict[str, Any]:
    config = model_json(folder / "config.json")
    return {key: value for key, value in config.items() if key not in _INCIDENTAL}
