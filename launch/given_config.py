"""What a command or a program was given for a config: a file, or a run folder in its place; and overrides.

Light: the command line imports it to start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any


def config_and_overrides(given: str, overrides: Sequence[str] | None) -> tuple[str, list[str]]:
    """A config file and its overrides; for a run folder its own config, and the folder where it is now."""
    saved = Path(given) / "config.yaml"
    if saved.is_file():
        return str(saved), [f"run_dir={given}", *(overrides or [])]
    return given, list(overrides or [])


def override_words(overrides: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """``key.sub=value`` words, of such words or of dotted keys and their values.

    Raises:
        ConfigError: a value is of a type that a config does not hold.

    >>> override_words({"grpo.lr": 1e-6, "data.passages": Path("texts"), "sft.ranks": "auto"})
    ['grpo.lr=1.0e-06', 'data.passages=texts', 'sft.ranks=auto']
    """
    if not isinstance(overrides, Mapping):
        return list(overrides)
    return [f"{key}={_as_yaml(key, value)}" for key, value in overrides.items()]


def _as_yaml(key: str, value: Any) -> str:
    import yaml

    from psyche_rl.errors import ConfigError

    plain = str(value) if isinstance(value, PathLike) else value
    try:
        text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True)
    except yaml.YAMLError:
        raise ConfigError(
            f"override '{key}': a {type(value).__name__} is no value of a config; give a text, a number, "
            "a list or a mapping"
        ) from None
    return text.removesuffix("...\n").removesuffix("\n")
