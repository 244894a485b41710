"""The benchmarks there are: those shipped beside this file, and a user's own by the path of its YAML."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import ValidationError

from psyche_rl.config.nearest import nearest
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation.benchmark import Benchmark
from rewards.bounded_yaml import read_yaml_mapping

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
        tree = read_yaml_mapping(path, "a benchmark")
    except ValueError as error:
        raise ConfigError(f"{error}; give a benchmark's YAML") from None
    try:
        return Benchmark.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}: {key}: {said}; docs/evaluation.md lists the keys") from None
