"""From a YAML file and dotted overrides to a checked, frozen :class:`RunConfig`.

Every mistake is one line that names the file or override and the key; all mistakes of a tree are told at once
(``mistakes``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from psyche_rl.config.algorithms import without_algorithm
from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.inheritance import without_inherited
from psyche_rl.config.mistakes import mistakes
from psyche_rl.config.overrides import apply_overrides
from psyche_rl.config.run import RunConfig
from psyche_rl.config.secrets_in_config import secrets_in, variables_with_keys
from psyche_rl.errors import ConfigError, ProblemsError
from psyche_rl.masking import know
from rewards.bounded_yaml import read_yaml_mapping


def load_config(given: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> RunConfig:
    """Read a file, or take a tree of values, and apply ``key.sub=value`` overrides (values are YAML).

    An override of ``grpo.algorithm`` also replaces the values that the file's own algorithm gives, whether or
    not the file spells them out.

    Raises:
        ConfigError: the file, or a key or value is wrong; all keys and values that are, are named at once.
    """
    is_tree = isinstance(given, Mapping)
    tree = deepcopy(dict(given)) if isinstance(given, Mapping) else _read_yaml(Path(given))
    if any(override.startswith("grpo.algorithm=") for override in overrides) and isinstance(
        section := tree.get("grpo"), dict
    ):
        tree["grpo"] = without_algorithm(section, GrpoConfig().model_dump(mode="json"))
    apply_overrides(tree, overrides)
    return parse_config(tree, source="config" if is_tree else str(given))


def parse_config(tree: dict[str, Any], source: str) -> RunConfig:
    """Check a plain tree of values; ``source`` names it in errors.

    Raises:
        ProblemsError: a key or value is wrong.
    """
    if secrets := secrets_in(tree):
        told = {problem.key for problem in secrets}
        raise ProblemsError(source, [*secrets, *(other for other in mistakes(tree) if other.key not in told)])
    try:
        config = RunConfig.model_validate(tree)
    except ValidationError:
        raise ProblemsError(source, mistakes(tree)) from None
    know(*variables_with_keys(config))
    return config


def dump_config(config: RunConfig) -> str:
    """The resolved config as YAML, every key spelled out."""
    return dump_tree(config.model_dump(mode="json"))


def dump_tree(tree: dict[str, Any]) -> str:
    """A complete tree of values as YAML; what stages inherit stands in the common sections only."""
    return yaml.safe_dump(without_inherited(tree), allow_unicode=True, sort_keys=False)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such config file; the presets are in launch/configs/")
    try:
        return read_yaml_mapping(path, "a config")
    except ValueError as error:
        raise ConfigError(str(error)) from None
