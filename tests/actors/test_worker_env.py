"""What workers are told by their environment: a job's own variables stay, passed ones stand in no log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ray.runtime_env.runtime_env import _merge_runtime_env

from actors.worker_env import HOOK, IN_A_JOB, WORKER_ENV, worker_runtime_env
from psyche_rl.config import parse_config
from psyche_rl.config.passed_variables import not_set, passed_variables
from psyche_rl.errors import ConfigError

SECRET = "a-value-of-the-driver-alone-91"
REPOSITORY = Path(__file__).parents[2]


def job(**runtime_env) -> dict[str, str]:
    return {IN_A_JOB: json.dumps({"runtime_env": runtime_env})}


@pytest.mark.parametrize("value", ["1", "0"])  # the same as ours, and another
def test_a_jobs_own_variable_is_left_to_it_and_ray_takes_both(value):
    theirs = {"env_vars": {"TQDM_DISABLE": value, "MINE": "x"}}
    ours = worker_runtime_env((), job(**theirs))
    assert "TQDM_DISABLE" not in ours["env_vars"]
    merged = _merge_runtime_env(theirs, ours)
    assert merged is not None  # what Ray calls a conflict
    assert merged["env_vars"] == {**WORKER_ENV, "TQDM_DISABLE": value, "MINE": "x"}


def test_a_users_own_value_reaches_the_workers_of_a_local_ray():
    ours = worker_runtime_env((), {"VLLM_LOGGING_LEVEL": "DEBUG"})["env_vars"]
    assert (ours["VLLM_LOGGING_LEVEL"], ours["TQDM_DISABLE"]) == ("DEBUG", "1")
    assert ours["PYTHONPATH"].startswith(str(REPOSITORY))


def test_what_is_passed_on_stands_in_no_runtime_env_and_is_set_by_the_hook(monkeypatch):
    environment = {"HF_TOKEN": SECRET, "NCCL_DEBUG": "INFO", "RAY_TOKEN": "x", "HOME": "/h"}
    found = worker_runtime_env(["HF_TOKEN", "NCCL_*", "*_TOKEN"], environment)
    hook = found.pop(HOOK)
    assert SECRET not in json.dumps(found)
    assert not {"HF_TOKEN", "NCCL_DEBUG"} & found["env_vars"].keys()
    told = {}
    monkeypatch.setattr("os.environ", told)
    hook()
    assert told == {"HF_TOKEN": SECRET, "NCCL_DEBUG": "INFO"}
    assert HOOK not in worker_runtime_env(["AWS_*"], environment)


def test_a_job_that_gives_the_variable_itself_keeps_its_own_and_one_with_a_hook_is_told():
    environment = {"HF_TOKEN": SECRET, **job(env_vars={"HF_TOKEN": "theirs"})}
    assert HOOK not in worker_runtime_env(["HF_TOKEN"], environment)
    with pytest.raises(ConfigError, match=r"cluster\.pass_env: the job has a worker_process_setup_hook"):
        worker_runtime_env(["HF_TOKEN"], {"HF_TOKEN": SECRET, **job(worker_process_setup_hook="m.f")})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("*", "nearly everything"),
        ("A*", "nearly everything"),
        ("HF_TOKEN=hf_x", "not the name"),
        ("hf_abcdefghijklmnopqrstuvwxyz12", "looks like a key"),
        ("PYTHONPATH", "value of its own"),
    ],
)
def test_what_is_no_name_is_refused(name, says):
    with pytest.raises(ConfigError, match=says):
        parse_config({"run_dir": "x", "cluster": {"pass_env": [name]}}, "t")


def test_patterns_pick_and_names_that_are_not_set_are_known():
    environment = {"AWS_REGION": "eu", "aws_x": "1", "https_proxy": "p", "AWSX": "2"}
    assert passed_variables(["AWS_*", "https_proxy", "GONE"], environment) == {
        "AWS_REGION": "eu",
        "https_proxy": "p",
    }
    assert not_set(["AWS_*", "https_proxy", "GONE", "NO_*"], environment) == ["GONE"]


SCRIPT = f"""
import os
import ray
from actors import cluster, worker_env
from actors.placement.place import ANYWHERE

real = worker_env.passed_variables
# Ray's processes on this machine inherit the driver's environment: so it is only said to be there.
worker_env.passed_variables = lambda names, environment: {{name: "{SECRET}" for name in names}}
cluster.connect(["PASSED_VARIABLE"])

@ray.remote
class Told:
    def of(self):
        return os.environ.get("PASSED_VARIABLE"), os.environ.get("OMP_NUM_THREADS")

actor = Told.options(**ANYWHERE.options({{"OMP_NUM_THREADS": "3"}})).remote()
print("TOLD", *ray.get(actor.of.remote(), timeout=90))
print("SESSION", ray._private.worker._global_node.get_session_dir_path())
ray.shutdown()
"""


@pytest.mark.slow
def test_workers_have_what_is_passed_on_and_rays_logs_do_not(tmp_path):
    env = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = dict(
        line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("TOLD", "SESSION"))
    )
    assert said["TOLD"] == f"{SECRET} 3"
    logs = list((Path(said["SESSION"]) / "logs").rglob("*.*"))
    assert len(logs) > 5
    assert [log.name for log in logs if log.is_file() and SECRET.encode() in log.read_bytes()] == []
