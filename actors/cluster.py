"""Joining a Ray cluster: the one we were started in, else a local one.

Inside ``ray job submit`` or beside ``ray start`` the process attaches; elsewhere it starts a local
Ray that ends with it. ``RAY_ADDRESS=local`` forces a local one.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import ray

import psyche_rl

# Ray workers of tiny models are fastest on one thread, and two libraries with a pool each fight.
WORKER_ENV = {
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
}


def connect() -> None:
    """Attach to the surrounding Ray cluster or start a local one; a second call does nothing."""
    if ray.is_initialized():
        return
    for name, value in WORKER_ENV.items():
        os.environ.setdefault(name, value)
    options: dict[str, Any] = {
        "logging_level": logging.WARNING,
        "log_to_driver": os.environ.get("PSYCHE_RL_WORKER_LOGS", "") == "1",
        "runtime_env": {"env_vars": _worker_env()},
    }
    # Ray says at every start that it authenticates with a token, as it should.
    logging.getLogger("ray._private.authentication.authentication_token_setup").setLevel(logging.ERROR)
    if os.environ.get("RAY_ADDRESS") == "local":
        ray.init(address="local", include_dashboard=False, **options)
    else:
        try:
            ray.init(address="auto", **options)
        except ConnectionError:
            ray.init(address="local", include_dashboard=False, **options)
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _worker_env() -> dict[str, str]:
    """Workers import the packages from where the driver did; in a job Ray has seen to that."""
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return WORKER_ENV
    path = [str(Path(psyche_rl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**WORKER_ENV, "PYTHONPATH": os.pathsep.join(filter(None, path))}
