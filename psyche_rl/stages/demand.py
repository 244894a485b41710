"""What a stage takes of a cluster, by the table of stages and the config. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.stages.specs import StageSpec


@dataclass(frozen=True)
class Demand:
    """Processes of one role."""

    role: str
    key: str
    """Says how many there are; empty: fixed."""
    processes: int
    each: int
    """GPUs of one of them, where there are GPUs."""
    each_key: str
    """Says how many; empty: fixed."""
    alone: bool = True
    """Whether one has its GPUs for itself, unless the stage says otherwise."""

    @property
    def gpus(self) -> int:
        """Of all of them."""
        return self.processes * self.each


def demands(spec: StageSpec, config: RunConfig) -> tuple[Demand, ...]:
    """What a stage takes at once.

    Args:
        config: in which ``psyche_rl.placement`` has made numbers of what was ``auto``.
    """
    found = []
    for device in spec.devices:
        if _holds(device.only_if, config):
            count, each = _number(device.count, config), _number(device.each, config)
            key, each_key = _key(device.count), _key(device.each)
            found.append(Demand(device.role, key, count, each, each_key, device.alone))
    return tuple(found)


def _holds(condition: str, config: RunConfig) -> bool:
    key, _, value = condition.partition("=")
    if not key:
        return True
    found = value_at(config, key)
    return str(found) == value if value else bool(found)


def _number(given: str | int, config: RunConfig) -> int:
    return given if isinstance(given, int) else int(value_at(config, given))


def _key(given: str | int) -> str:
    return given if isinstance(given, str) else ""
