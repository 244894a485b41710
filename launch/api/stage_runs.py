"""Configs and stages from Python. Collaborators: ``psyche_rl.config`` reads, ``launch.pipeline`` runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launch.api.run_tables import Run
from launch.given_config import config_and_overrides, override_words

if TYPE_CHECKING:
    from psyche_rl.config import RunConfig

Overrides = Mapping[str, Any] | Sequence[str]


def load(given: str | Path | Mapping[str, Any], overrides: Overrides = ()) -> RunConfig:
    """A checked, frozen config.

    Args:
        given: a YAML file, a run folder (its own config, and where it is now), or a tree of values.
        overrides: dotted keys and their values, or ``key.sub=value`` words as the commands take them.

    Raises:
        ConfigError: the file, or a key or value is wrong; all that are, are named at once.
    """
    from psyche_rl.config import load_config

    words = override_words(overrides)
    if isinstance(given, Mapping):
        return load_config(given, words)
    return load_config(*config_and_overrides(str(given), words))


def run(
    config: RunConfig | str | Path | Mapping[str, Any],
    stages: str | Sequence[str] | None = None,
    *,
    redo_from: str | None = None,
    steal_lock: bool = False,
) -> Run:
    """Run one stage, some, or all (unset), as ``psyche-rl run`` does: finished ones are skipped, a cut-off
    one goes on where it was.

    Args:
        config: a config of :func:`load`, or what that takes.
        redo_from: throw this stage and all after it away first.
        steal_lock: take the run folder from the process that writes to it.

    Raises:
        ConfigError: there is no such stage, or the config is wrong.
        PsycheError: a stage cannot run; what finished before is kept.
    """
    from launch.pipeline import run_stages
    from psyche_rl.config import RunConfig
    from psyche_rl.errors import ConfigError
    from psyche_rl.stages import STAGES

    wanted = [stages] if isinstance(stages, str) else list(STAGES if stages is None else stages)
    for name in wanted:
        if name not in STAGES:
            raise ConfigError(f"stage '{name}': no such stage; stages are {', '.join(STAGES)}")
    settings = config if isinstance(config, RunConfig) else load(config)
    in_order = [name for name in STAGES if name in wanted]
    return Run(run_stages(settings, in_order, redo_from, steal_lock))


def open_run(run_dir: str | Path) -> Run:
    """A run that there is, to be read: a local path or an fsspec URL.

    Raises:
        RunFolderError: there is none, or it is of another layout.
    """
    from psyche_rl.store import RunStore
    from psyche_rl.store.manifest import require_run

    store = RunStore(str(run_dir))
    require_run(store, str(run_dir))
    return Run(store)
