"""Sections that serve as defaults: each stage's own ``learner`` and ``engine`` fill up from the common one.

Pure functions on plain trees of values. Collaborators: ``run.py`` fills up before checking; ``load.py``
leaves out again what a stage only inherits, so that a saved config stays short and means the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

INHERITED: dict[str, tuple[str, ...]] = {
    # common section -> the stages that have one of their own
    "learner": ("sft", "grpo"),
    "engine": ("select", "grpo", "eval"),
}


def inherited(tree: Mapping[str, Any]) -> dict[str, Any]:
    """``tree`` with each stage's own section completed; values that are no trees are left to the checks."""
    full = dict(tree)
    for common, stages in INHERITED.items():
        defaults = _plain(full.get(common))
        for stage in stages:
            section = _plain(full.get(stage, {}))
            own = _plain(section.get(common, {})) if isinstance(section, dict) else None
            if isinstance(defaults, dict) and isinstance(section, dict) and isinstance(own, dict):
                full[stage] = {**section, common: {**defaults, **own}}
    return full


def without_inherited(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`inherited` on a complete tree: a stage states only what differs."""
    short = dict(tree)
    for common, stages in INHERITED.items():
        for stage in stages:
            section = dict(short[stage])
            own = section.pop(common)
            different = {key: value for key, value in own.items() if value != short[common][key]}
            short[stage] = section | ({common: different} if different else {})
    return short


def is_inherited(tree: Mapping[str, Any], place: Sequence[str | int]) -> bool:
    """Whether a value of a stage's own section comes from the common one, where it is told already."""
    stage, common, *rest = (*place, "", "")
    if stage not in INHERITED.get(str(common), ()):
        return False
    own = _plain(_plain(tree.get(str(stage))).get(common))
    return not rest[0] or rest[0] not in own


def _plain(value: Any) -> Any:
    """A section as the values that were given for it."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in value.model_fields_set}
    return {} if value is None else value
