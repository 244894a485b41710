"""What psyche-rl pins, read from where it is declared: package metadata, or the source tree's pyproject."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

DISTRIBUTION = "psyche-rl"


@dataclass(frozen=True)
class Requirements:
    """``requires-python`` and distribution -> version specifier, all extras together."""

    python: str
    pins: dict[str, str]


def declared_requirements() -> Requirements:
    """The requirements of the installed package; of the source tree where it is not installed."""
    pyproject = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if pyproject.is_file():
        tree = tomllib.loads(pyproject.read_text("utf-8"))
        if tree.get("project", {}).get("name") == DISTRIBUTION:
            return from_pyproject(tree)
    declared = metadata.metadata(DISTRIBUTION)
    return Requirements(declared["Requires-Python"], _pins(metadata.requires(DISTRIBUTION) or []))


def from_pyproject(tree: dict[str, Any]) -> Requirements:
    """The same from a parsed ``pyproject.toml``."""
    project = tree["project"]
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    return Requirements(project["requires-python"], _pins([*project["dependencies"], *extras]))


def _pins(lines: Iterable[str]) -> dict[str, str]:
    parsed = [Requirement(line) for line in lines]
    return {need.name: str(need.specifier) for need in parsed if str(need.specifier)}
