"""The tracker that a name in the config stands for, and what must be installed for it.

Invariant: importing this imports no client library.
"""

from __future__ import annotations

from importlib.util import find_spec

from psyche_rl.config.tracking import TrackerConfig, TrackerName
from psyche_rl.store import RunStore
from psyche_rl.tracking.mlflow_run import MlflowRun
from psyche_rl.tracking.tensorboard_events import TensorboardEvents
from psyche_rl.tracking.tracker import Tracker
from psyche_rl.tracking.wandb_run import WandbRun

EXTRAS: dict[TrackerName, str] = {"wandb": "psyche-rl[wandb]", "mlflow": "psyche-rl[mlflow]"}
"""What to install where the library is missing; TensorBoard comes with psyche-rl."""


def is_installed(name: TrackerName) -> bool:
    """Whether the client library is there; it is not imported."""
    return find_spec(name) is not None


def tracker_of(config: TrackerConfig, store: RunStore) -> Tracker:
    """The adapter, not opened yet."""
    if config.name == "tensorboard":
        return TensorboardEvents(store)
    return MlflowRun(config, store) if config.name == "mlflow" else WandbRun(config, store)
