"""Every key of the config by its dotted name, and whether another value may be used when a run goes on.

Pure. Collaborators: ``load.py`` suggests keys, ``psyche_rl.stages`` decides what is stale.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from psyche_rl.config.base import MayChange, SpeedOnly
from psyche_rl.config.run import RunConfig

Mark = MayChange | SpeedOnly


def leaf_fields(section: type[BaseModel] = RunConfig, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Dotted key and field of every value of a section and of the sections in it."""
    for name, field in section.model_fields.items():
        inner = section_of(field)
        if inner is None:
            yield prefix + name, field
        else:
            yield from leaf_fields(inner, f"{prefix}{name}.")


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds, if it holds one (lists and mappings of sections are values)."""
    kind = field.annotation
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


@cache
def marks() -> Mapping[str, Mark]:
    """The keys that may differ when a run goes on, each with its mark and reason."""
    found = ((key, [m for m in field.metadata if isinstance(m, Mark)]) for key, field in leaf_fields())
    return {key: given[0] for key, given in found if given}


def value_at(config: RunConfig, key: str) -> Any:
    """The value of a dotted key, or of a property of a section."""
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree of values by dotted keys; mappings that are values of one key stay whole."""
    values: dict[str, Any] = {}
    for name, value in tree.items():
        key = prefix + name
        if isinstance(value, Mapping) and key not in _leaves():
            values.update(flat(value, f"{key}."))
        else:
            values[key] = value
    return values


def overlaid(tree: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``tree`` with ``values`` at their dotted keys; a section that is unset in the tree is made."""
    result = dict(tree)
    for key, value in values.items():
        *parents, leaf = key.split(".")
        node = result
        for parent in parents:
            node[parent] = dict(node.get(parent) or {})
            node = node[parent]
        node[leaf] = value
    return result


def renamed(told: str, keys: Mapping[str, str]) -> str:
    """A message in which keys, or beginnings of keys, are those that ``keys`` gives, in its order."""
    for theirs, ours in keys.items():
        told = told.replace(theirs, ours)
    return told


@cache
def _leaves() -> frozenset[str]:
    return frozenset(key for key, _ in leaf_fields())
