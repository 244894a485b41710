"""What a stage takes of a cluster, by the table of stages and the config. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.stages.specs import StageSpec


@dataclass(frozen=True)
class Demand:
    """Processes of one role; ``key`` says how many there are (empty: fixed)."""

    role: str
    key: str
    processes: int
    gpus: int
    """Of all of them, where there are GPUs."""


def demands(spec: StageSpec, config: RunConfig) -> tuple[Demand, ...]:
    """What a stage takes at once."""
    found = []
    for device in spec.devices:
        if _holds(device.only_if, config):
            count, each = _number(device.count, config), _number(device.each, config)
            key = device.count if isinstance(device.count, str) else ""
            found.append(Demand(device.role, key, count, count * each))
    return tuple(found)


def _holds(condition: str, config: RunConfig) -> bool:
    key, _, value = condition.partition("=")
    if not key:
        return True
    found = value_at(config, key)
    return str(found) == value if value else bool(found)


def _number(given: str | int, config: RunConfig) -> int:
    return given if isinstance(given, int) else int(value_at(config, given))
