"""A Hugging Face causal model with its modules but without its weights.

Collaborators: ``loading`` fills it; ``determinism`` takes out what is random.
Invariant: parameters are on ``meta``; buffers (rotary frequencies, which no file holds) have their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers import AutoConfig, AutoModelForCausalLM

from psyche_rl.errors import ModelError
from psyche_rl.learner.determinism import switch_off_dropout_layers, switch_off_randomness


def empty_model(folder: Path, dtype: torch.dtype, attention: Callable[[Any], str]) -> Any:
    """The model of ``folder``'s config.json; tied parameters are one.

    Args:
        attention: transformers' name of the attention to compute with, by the config.

    Raises:
        ModelError: it is no causal language model that transformers knows, or it is quantized.
    """
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if getattr(config, "quantization_config", None) is not None:
            raise ValueError("its weights are quantized; give the model before quantization")
        switch_off_randomness(config)
        with _parameters_on_meta():
            lm = AutoModelForCausalLM.from_config(
                config, dtype=dtype, attn_implementation=attention(config), trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelError(f"{folder}: cannot be loaded as a causal language model: {reason}") from None
    switch_off_dropout_layers(lm)
    return lm


def untie(lm: Any, pairs: Iterable[tuple[str, str]]) -> None:
    """Make parameters separate that the config ties but the files do not: as transformers does."""
    for name, _ in pairs:
        del lm.all_tied_weights_keys[name]
        owner, _, attribute = name.rpartition(".")
        module, tied = lm.get_submodule(owner), lm.get_parameter(name)
        setattr(module, attribute, nn.Parameter(torch.empty_like(tied), tied.requires_grad))


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    def move(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> Any:
        if parameter is None or parameter.is_meta:  # tied ones must stay the same object
            return None
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    hook = register_module_parameter_registration_hook(move)
    try:
        yield
    finally:
        hook.remove()
