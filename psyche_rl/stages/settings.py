"""The settings of a stage: what it was run with, what differs now, and what a run's config may state.

Pure. Collaborators: ``launch.pipeline`` refuses and records by these rules; publish and report read the
settings of finished stages from the manifest.
- A finished stage keeps its settings: another value of a key that decides results is refused by name, another
  value of a key that may change leaves the stage as it is.
- ``config.yaml`` states for every finished stage the values that the stage was run with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from psyche_rl.config import RunConfig
from psyche_rl.config.inheritance import INHERITED
from psyche_rl.config.keys import flat, marks, overlaid
from psyche_rl.stages.specs import STAGES, StageSpec

Settings = Mapping[str, Any]
"""Dotted key -> value, as JSON holds it."""


def stage_settings(stage: str, config: RunConfig) -> dict[str, Any]:
    """All settings of a stage, those that may change included."""
    values = flat(config.model_dump(mode="json"))
    return {key: value for key, value in values.items() if owns(STAGES[stage], key)}


def owns(spec: StageSpec, key: str) -> bool:
    """Whether a key is among the settings of a stage."""
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in spec.settings)


def owners(key: str) -> tuple[str, ...]:
    """The stages whose results a key decides; a default's are those of the stages that inherit it."""
    if key in marks():
        return ()
    direct = [name for name, spec in STAGES.items() if owns(spec, key)]
    common, _, rest = key.partition(".")
    heirs = [s for s in INHERITED.get(common, ()) if owns(STAGES[s], f"{s}.{common}.{rest}")]
    return tuple(dict.fromkeys((*direct, *heirs)))


def changed(recorded: Settings, now: Settings) -> list[str]:
    """Keys on which two settings of one stage disagree, in order."""
    return [key for key in sorted({*recorded, *now}) if recorded.get(key) != now.get(key)]


def deciding(keys: Iterable[str]) -> list[str]:
    """Those of ``keys`` that decide results."""
    return [key for key in keys if key not in marks()]


def spoken(key: str, config: RunConfig) -> str:
    """A key as the user wrote it: a value that a stage inherits has the name of the default."""
    stage, _, rest = key.partition(".")
    common = rest.partition(".")[0]
    if stage not in INHERITED.get(common, ()):
        return key
    values = flat(config.model_dump(mode="json"))
    return rest if values.get(rest) == values.get(key) else key


def settings_hash(settings: Settings) -> str:
    """A short hash of what decides a stage's result."""
    decided = {key: settings[key] for key in deciding(settings)}
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]


def as_run(config: Mapping[str, Any], finished: Iterable[Settings]) -> dict[str, Any]:
    """``config`` in which the settings of ``finished`` stages stand as they were run."""
    tree = dict(config)
    for settings in finished:
        tree = overlaid(tree, settings)
    return tree
