"""What a run will need, asked before anything is paid for.

Pure: reads the config only. The stages check again where files are concerned.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.errors import ConfigError
from psyche_rl.stages import STAGES


def check_sources(config: RunConfig, stages: Sequence[str]) -> None:
    """Without a mini world everything it would make must be given.

    Raises:
        ConfigError: names the stage that would fail and the key to set.
    """
    if config.mini is not None:
        return
    for stage in stages:
        for need in STAGES[stage].needs:
            if not any(value_at(config, key) for key in (need.key, *need.unless)):
                raise ConfigError(
                    f"stage '{stage}' needs {need.key}, which is not set; set it, or add `mini: {{}}`"
                )
