"""The way from hidden states to logits, as each model goes it itself.

Role: many a ``*ForCausalLM`` does something after its output layer (soft-capping in Gemma 2, scales in
Cohere and Granite). So the model's own ``forward`` is called, with the states that are there already in
the place of its base model; it sees only the positions that are asked for.
Collaborators: ``policy_model`` computes the states; ``opening`` compares with the whole forward pass when
a model is opened, so that a model for which this does not hold is refused.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def logits_of(lm: Any, states: torch.Tensor) -> torch.Tensor:
    """[R, hidden] states of the base model -> [R, vocabulary] logits."""
    name = lm.base_model_prefix
    base = getattr(lm, name)
    setattr(lm, name, _Given(states[None]))
    try:
        ids = torch.zeros((1, len(states)), dtype=torch.int64, device=states.device)
        logits: torch.Tensor = lm(input_ids=ids, use_cache=False).logits.flatten(0, 1)
    finally:
        setattr(lm, name, base)
    return logits


class _Given(nn.Module):
    """Stands where the base model stands, and returns what it returned."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self._output = _Output(states)

    @property
    def decoder(self) -> _Given:
        """OPT calls its base model by this name."""
        return self

    def forward(self, *_: Any, **__: Any) -> _Output:
        return self._output


class _Output:
    """What base models return: states, by name or by place, and nothing else that a head could ask for."""

    def __init__(self, states: torch.Tensor) -> None:
        self.last_hidden_state = states

    def __getitem__(self, place: int) -> torch.Tensor:
        return (self.last_hidden_state,)[place]

    def __getattr__(self, name: str) -> None:
        return None
