"""Whether the trackers that a config names can be told anything: client, key, a place for files.

Invariants: no client library is imported, and no server is called.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.config.tracking import TrackerConfig
from psyche_rl.errors import PsycheError
from psyche_rl.store import RunStore
from psyche_rl.tracking.adapters import EXTRAS, is_installed
from psyche_rl.tracking.mlflow_run import file_store
from psyche_rl.tracking.wandb_run import KEY_REMEDY, NO_KEY, has_key

KEY = "track"


def check_trackers(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each tracker of the config; that a server takes what it is sent is not known before."""
    for tracker in config.track if stages else ():
        if not is_installed(tracker.name):
            extra = EXTRAS.get(tracker.name, "psyche-rl")
            findings.problem(KEY, tracker.name, f"{tracker.name} is not installed", f"pip install '{extra}'")
        elif tracker.name == "wandb" and not tracker.offline and not has_key(tracker):
            findings.problem(KEY, "wandb", NO_KEY, KEY_REMEDY)
        elif tracker.name == "mlflow" and _writes_files(tracker):
            try:
                file_store(RunStore(config.run_dir))
            except PsycheError as error:
                findings.error(KEY, "mlflow", error, "give uri")
        elif not tracker.offline and tracker.name != "tensorboard":
            findings.skip(f"{KEY}: whether {tracker.name}'s server takes what it is sent")


def _writes_files(tracker: TrackerConfig) -> bool:
    return tracker.offline or not (tracker.uri or os.environ.get("MLFLOW_TRACKING_URI"))
