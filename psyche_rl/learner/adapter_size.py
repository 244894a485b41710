"""How many parameters are trained, told from the shapes in a model folder, before anything is loaded. Pure.

Collaborators: the checks of disk, which read the shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod

from psyche_rl.config.lora import ALL_LINEAR, LoraConfig

_IN_A_LAYER = re.compile(r"\.\d+\..*\.weight$")
_NO_TARGET = re.compile(r"\.experts\.|\.(gate|router)\.weight$")
"""Experts, which are one tensor in memory, and what chooses between them."""


def trained_parameters(shapes: Mapping[str, tuple[int, ...]], lora: LoraConfig | None) -> int:
    """All of a model's, or those of its adapters.

    Args:
        shapes: name -> shape of every saved parameter.
    """
    if lora is None:
        return sum(map(prod, shapes.values()))
    return sum(lora.rank * sum(shape) for name, shape in shapes.items() if _is_target(name, shape, lora))


def _is_target(name: str, shape: tuple[int, ...], lora: LoraConfig) -> bool:
    if len(shape) != 2 or not _IN_A_LAYER.search(name) or _NO_TARGET.search(name):
        return False
    layer = name.removesuffix(".weight")
    return lora.target_modules == ALL_LINEAR or any(layer.endswith(f".{t}") for t in lora.target_modules)
