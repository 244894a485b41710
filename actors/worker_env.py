"""What the workers' processes are told by their environment.

Collaborators: ``cluster`` gives it to ``ray.init``; ``psyche_rl.config.passed_variables`` picks by name.
Invariants:
- What a job was submitted with is the user's and stays: Ray refuses a driver that names the same variable,
  with whatever value.
- Values that are passed on stand in no runtime environment, which Ray writes into its logs and shows on its
  dashboard: they travel in a function that each worker calls as it starts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psyche_rl.config.passed_variables import passed_variables
from psyche_rl.errors import ConfigError
from psyche_rl.own_python import search_path

# Ray workers of tiny models are fastest on one thread, and two libraries with a pool each fight.
WORKER_ENV = {
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
}
IN_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""What Ray tells the command of a job about the job."""
HOOK = "worker_process_setup_hook"


def worker_runtime_env(
    pass_env: Sequence[str], environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Ray's ``runtime_env`` of all workers. A user's own value of one of our variables wins.

    Raises:
        ConfigError: variables are to be passed on, and the job has a setup hook of its own.
    """
    job = json.loads(environment.get(IN_A_JOB) or "{}").get("runtime_env") or {}
    ours = {name: environment.get(name, value) for name, value in WORKER_ENV.items()}
    if IN_A_JOB not in environment:  # in a job Ray has seen to it
        ours["PYTHONPATH"] = search_path()
    given = job.get("env_vars") or {}
    found: dict[str, Any] = {"env_vars": {name: value for name, value in ours.items() if name not in given}}
    passed = {
        name: value for name, value in passed_variables(pass_env, environment).items() if name not in given
    }
    if passed:
        if HOOK in job:
            raise ConfigError(
                f"cluster.pass_env: the job has a {HOOK} of its own, and Ray takes one; give "
                f"{', '.join(passed)} by the job's env_vars, or leave the hook out"
            )
        found[HOOK] = _setter(passed)
    return found


def _setter(values: Mapping[str, str]) -> Callable[[], None]:
    """A function that carries the values, also to where this module is not."""

    def set_passed_variables() -> None:
        import os

        os.environ.update(values)

    return set_passed_variables
