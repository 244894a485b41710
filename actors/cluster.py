"""Joining a Ray cluster: the one we were started in, else a local one.

Inside ``ray job submit`` or beside ``ray start`` the process attaches; elsewhere it starts a local
Ray that ends with it. ``RAY_ADDRESS=local`` forces a local one.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import psutil
import ray

from psyche_rl.errors import RemoteWaitError

# Ray workers of tiny models are fastest on one thread, and two libraries with a pool each fight.
WORKER_ENV = {
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
}

# A local Ray gives its own agent 15 s to come up, a limit that cannot be set (ray-project/ray#65983): on a
# machine that is busy for a moment the next try finds it free.
STARTS = 3


def connect() -> None:
    """Attach to the surrounding Ray cluster or start a local one; a second call does nothing.

    Raises:
        RemoteWaitError: there is no cluster at ``RAY_ADDRESS``, or a local one does not start.
    """
    if ray.is_initialized():
        return
    for name, value in WORKER_ENV.items():
        os.environ.setdefault(name, value)
    attached = bool(os.environ.get("RAY_ADDRESS")) and os.environ["RAY_ADDRESS"] != "local"
    options = {} if attached else {"include_dashboard": False}
    # Workers must import the packages from where the driver did, whatever its working directory.
    path = os.pathsep.join(p for p in [_code_root(), os.environ.get("PYTHONPATH", "")] if p)
    env = {**WORKER_ENV, "PYTHONPATH": path}
    _init(
        1 if attached else STARTS,
        logging_level=logging.WARNING,
        log_to_driver=os.environ.get("PSYCHE_RL_WORKER_LOGS", "") == "1",
        runtime_env={"env_vars": env} if not _in_job() else {"env_vars": WORKER_ENV},
        **options,
    )
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _init(starts: int, **options: Any) -> None:
    for left in reversed(range(starts)):
        before = {child.pid for child in psutil.Process().children()}
        try:
            ray.init(**options)
            return
        except Exception as error:  # Ray raises the bare class where a start takes too long
            for child in psutil.Process().children():
                if child.pid not in before:
                    child.kill()  # what the failed start left running
            if not left:
                why = (str(error).splitlines() or [type(error).__name__])[0]
                raise RemoteWaitError("Ray", "start", None, f"{why}; see to it and run again") from error


def _in_job() -> bool:
    """Inside ``ray job submit`` the job's own working directory is already on the workers' path."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def _code_root() -> str:
    import psyche_rl

    root = os.path.dirname(os.path.dirname(os.path.abspath(psyche_rl.__file__)))
    return root if root not in sys.prefix else ""
