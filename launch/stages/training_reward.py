"""The reward that a run trains on: built from the config, kept with the run.

Collaborators: ``launch.stages.grpo``.
Invariant: a run folder's ``grpo/reward.json`` names the one rule that all its steps were scored by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from psyche_rl.config.grpo import RewardConfig
from psyche_rl.errors import ConfigError, RunFolderError
from psyche_rl.store import RunStore
from rewards import Reward, RewardSetError, ThinkFormat, exam_reward, load_reward_set

FILE = "grpo/reward.json"


def training_reward(config: RewardConfig) -> Reward:
    """The reward set of ``grpo.reward.config``, or the two weights' sum.

    Raises:
        ConfigError: the file cannot be read as a reward set.
    """
    if config.config is None:
        return exam_reward(config.answer_weight, config.format_weight)
    return reward_set(config.config)


def reward_set(given: str | Path | Mapping[str, Any]) -> Reward:
    """What a YAML file, or a mapping, describes.

    Raises:
        ConfigError: it cannot be read as a reward set.
    """
    try:
        return load_reward_set(given)
    except RewardSetError as error:
        raise ConfigError(str(error)) from None


def rewarded_format(store: RunStore) -> ThinkFormat:
    """The think format as this run's reward has it; the default where it has none, or no run trained yet."""
    if not store.exists(FILE):
        return ThinkFormat()
    kept = store.read_json(FILE).get("reward", {})
    found = next((part for part in _parts(kept) if part.get("reward") == ThinkFormat.name), {})
    return ThinkFormat(allow_empty=found.get("allow_empty", True))


def _parts(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A described reward and all that it is composed of, in order."""
    yield tree
    for part in tree.get("rewards", ()):
        yield from _parts(part)


def keep_fingerprint(store: RunStore, reward: Reward) -> None:
    """Write down which reward this run is trained on.

    Raises:
        RunFolderError: steps were already taken by another.
    """
    fingerprint = reward.fingerprint()
    if store.exists(FILE):
        before = store.read_json(FILE)
        if before["fingerprint"] != fingerprint:
            raise RunFolderError(
                f"{store.url}: stage 'grpo' was begun with reward '{before['name']}', fingerprint "
                f"{before['fingerprint']}, now it is '{reward.name}', {fingerprint}; redo it with "
                "--from grpo, or give another run_dir"
            )
    kept = {"name": reward.name, "fingerprint": fingerprint, "reward": reward.describe()}
    store.write_text(FILE, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
