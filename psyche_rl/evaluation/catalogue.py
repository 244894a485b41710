"""The benchmarks there are: those shipped beside this file, and a user's own by the path of its YAML."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from psyche_rl.config.nearest import nearest
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation.benchmark import Benchmark
from rewards.bounded_yaml import load_yaml

FOLDER = Path(__file__).parent / "benchmarks"


@cache
def shipped_benchmarks() -> dict[str, Benchmark]:
    """Name -> description, in the order of the names; not to be changed."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.yaml"))}


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of a name, or of a YAML file.

    Raises:
        ConfigError: there is none, or its description is wrong.
    """
    if name.endswith((".yaml", ".yml")):
        return _read(Path(name))
    known = shipped_benchmarks()
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean '{close}'?" if close else f"there are {', '.join(known)}"
        raise ConfigError(f"no benchmark '{name}'; {hint} A description of your own goes by its path (.yaml)")
    return known[name]


def _read(path: Path) -> Benchmark:
    try:
        tree = load_yaml(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a benchmark's YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a benchmark is a mapping of keys to values, not {type(tree).__name__}")
    try:
        return Benchmark.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}: {key}: {said}; docs/evaluation.md lists the keys") from None
