"""Joining a Ray cluster: the one we were started in, else a local one.

Inside ``ray job submit`` or beside ``ray start`` the process attaches; elsewhere it starts a local
Ray that ends with it. ``RAY_ADDRESS=local`` forces a local one.
"""

from __future__ import annotations

import logging
import os
import sys

import ray

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
    attached = bool(os.environ.get("RAY_ADDRESS")) and os.environ["RAY_ADDRESS"] != "local"
    options = {} if attached else {"include_dashboard": False}
    # Workers must import the packages from where the driver did, whatever its working directory.
    path = os.pathsep.join(p for p in [_code_root(), os.environ.get("PYTHONPATH", "")] if p)
    env = {**WORKER_ENV, "PYTHONPATH": path}
    ray.init(
        logging_level=logging.WARNING,
        log_to_driver=os.environ.get("PSYCHE_RL_WORKER_LOGS", "") == "1",
        runtime_env={"env_vars": env} if not _in_job() else {"env_vars": WORKER_ENV},
        **options,
    )
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _in_job() -> bool:
    """Inside ``ray job submit`` the job's own working directory is already on the workers' path."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def _code_root() -> str:
    import psyche_rl

    root = os.path.dirname(os.path.dirname(os.path.abspath(psyche_rl.__file__)))
    return root if root not in sys.prefix else ""
