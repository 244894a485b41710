"""What a run will need, asked before anything is paid for.

Pure: reads the config only. The stages check again where files are concerned.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.config import RunConfig
from psyche_rl.errors import ConfigError


def check_sources(config: RunConfig, stages: Sequence[str]) -> None:
    """Without a mini world everything it would make must be given.

    Raises:
        ConfigError: names the stage that would fail and the key to set.
    """
    if config.mini is not None:
        return
    needs: dict[str, dict[str, object]] = {
        "synth": {"data.passages": config.data.passages, "teacher.base_url": config.teacher.is_given},
        "select": {"select.selectors": config.select.selectors or config.select.skip},
        "sft": {"model": config.model},
        "grpo": {"data.questions": config.data.questions or not config.grpo.eval_every},
        "eval": {"data.questions": config.data.questions},
    }
    for stage in stages:
        for key, given in needs.get(stage, {}).items():
            if not given:
                raise ConfigError(
                    f"stage '{stage}' needs {key}, which is not set; set it, or add `mini: {{}}`"
                )
