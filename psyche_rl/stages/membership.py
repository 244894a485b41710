"""Which stages a run has: some come with a section of the config, some go where what they make is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.stages.specs import STAGES


def in_run(stage: str, config: RunConfig) -> bool:
    """Whether a run of this config has the stage at all."""
    return _has(stage, lambda key: value_at(config, key))


def in_saved_run(stage: str, saved: Mapping[str, Any]) -> bool:
    """The same of the plain values of a saved config, which may be of another version."""
    return _has(stage, lambda key: _value(saved, key))


def _has(stage: str, value: Callable[[str], Any]) -> bool:
    """Whether the stage is there, by what the config holds under a dotted key."""
    spec = STAGES[stage]
    if spec.only_with and value(spec.only_with) is None:
        return False
    return all(value(key) is None for key in spec.without)


def _value(tree: Any, key: str) -> Any:
    for name in key.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree
