"""Taking out of a model what makes two passes over one text differ: dropout, layer drop, router jitter.

A policy's log-probabilities must not depend on the pass that computes them.
"""

from __future__ import annotations

import re
from typing import Any

from torch import nn

_RANDOM = re.compile(r"(^|_)(dropout|layerdrop|layer_drop|drop_path|drop_rate|jitter)(_|$)|pdrop$")


def switch_off_randomness(config: Any) -> None:
    """Set every rate of dropout and noise of a Hugging Face config to 0, those of its parts too."""
    for name, value in list(vars(config).items()):
        if hasattr(value, "model_type"):
            switch_off_randomness(value)
        elif _RANDOM.search(name) and isinstance(value, int | float) and not isinstance(value, bool):
            setattr(config, name, 0.0)


def switch_off_dropout_layers(model: nn.Module) -> None:
    """The same for layers whose rate stands in no config."""
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d | nn.AlphaDropout):
            module.p = 0.0
