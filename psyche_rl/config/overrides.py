"""Dotted overrides of the command line, ``key.sub=value``, whose values are YAML.

Collaborators: ``load`` (a run's config), ``bench`` (what a benchmark run is told).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from psyche_rl.errors import ConfigError
from rewards.bounded_yaml import load_yaml


def apply_overrides(tree: dict[str, Any], overrides: Iterable[str]) -> None:
    """Put each value into ``tree``, in their order; sections that are not there, or are empty, are made.

    Raises:
        ConfigError: a word is no such pair, its value is no YAML, or its key leads through a value.
    """
    for override in overrides:
        _apply(tree, override)


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"override '{override}': write it as key.sub=value")
    try:
        value = load_yaml(text)
    except (yaml.YAMLError, RecursionError):
        raise ConfigError(f"override '{key}=…': the value is not valid YAML") from None
    *parents, leaf = key.split(".")
    node = tree
    for parent in parents:
        child = node.setdefault(parent, {})
        if child is None:
            child = node[parent] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"override '{key}=…': '{parent}' is a value, not a section")
        node = child
    node[leaf] = value
