"""The files for clusters: whole by their schemas, where one is at hand, and in agreement with the project."""

import importlib.metadata
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml

from launch.cli.run import STAGE_COMMANDS
from psyche_rl.config import load_config

ROOT = Path(__file__).parents[3]
CLUSTERS = ROOT / "launch" / "clusters"
KUBERAY = [*yaml.safe_load_all((CLUSTERS / "kuberay" / "raycluster.yaml").read_text("utf-8"))]
SPEC = KUBERAY[0]["spec"]
GROUPS = {"head": SPEC["headGroupSpec"], **{g["groupName"]: g for g in SPEC["workerGroupSpecs"]}}
BINARY = {"Gi": 2**30, "Ti": 2**40}


def pods():
    return {name: group["template"]["spec"] for name, group in GROUPS.items()}


def size(quantity):
    return int(quantity[:-2]) * BINARY[quantity[-2:]]


def test_ray_up_fits_rays_own_schema():
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text("utf-8"))
    tree = yaml.safe_load((CLUSTERS / "ray_up" / "aws.yaml").read_text("utf-8"))
    jsonschema.validate(tree, schema)
    assert tree["head_node_type"] in tree["available_node_types"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree | {"max_worker": 4}, schema)


def test_ray_is_the_locked_one():
    assert SPEC["rayVersion"] == importlib.metadata.version("ray")


@pytest.mark.parametrize("name", GROUPS)
def test_mounts_have_volumes_and_the_object_store_has_room(name):
    pod = pods()[name]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for container in pod["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        assert container["resources"]["limits"] == container["resources"]["requests"]
        memory = size(container["resources"]["limits"]["memory"])
        room = size(volumes["shm"]["emptyDir"]["sizeLimit"])
        assert memory * 0.2 < room <= memory * 0.35
    claims = {doc["metadata"]["name"]: doc["spec"] for doc in KUBERAY[1:]}
    assert claims[volumes["shared"]["persistentVolumeClaim"]["claimName"]]["accessModes"] == ["ReadWriteMany"]


@pytest.mark.parametrize("name", GROUPS)
def test_secrets_come_from_secrets(name):
    for variable in pods()[name]["containers"][0]["env"]:
        secret = "secretKeyRef" in variable.get("valueFrom", {})
        assert secret or variable == {"name": "RAY_AUTH_MODE", "value": "token"}


def test_only_rollout_workers_are_on_spot_nodes():
    assert [name for name, pod in pods().items() if "nodeSelector" in pod] == ["rollout-spot"]
    spot = GROUPS["rollout-spot"]
    assert spot["minReplicas"] < spot["maxReplicas"]
    assert spot["minReplicas"] <= spot["replicas"] <= spot["maxReplicas"]


def entrypoints():
    job = yaml.safe_load((CLUSTERS / "kuberay" / "rayjob.yaml").read_text("utf-8"))
    yield job["spec"]["entrypoint"]
    sky = yaml.safe_load((CLUSTERS / "skypilot" / "task.yaml").read_text("utf-8"))
    yield re.search(r"(psyche-rl run .*?)\n\s*else", sky["run"], re.DOTALL)[1].replace("\\\n", " ")


def test_the_runs_that_they_start_have_good_configs():
    for line in entrypoints():
        program, command, config, *overrides = shlex.split(line)
        assert (program, command) == ("psyche-rl", "run")
        assert command not in STAGE_COMMANDS
        settings = load_config(ROOT / config.removeprefix("/opt/psyche-rl/"), overrides)
        assert settings.run_dir.startswith("/shared/")


def test_the_script_for_slurm_is_a_script():
    script = CLUSTERS / "slurm" / "psyche_rl.sbatch"
    subprocess.run(["bash", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--severity=warning", str(script)], check=True)
    text = script.read_text("utf-8")
    assert "umask 077" in text
    assert re.search(r"--signal=TERM@(\d+)", text)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_images_copy_what_the_set_up_needs(device):
    text = (CLUSTERS / "docker" / f"{device}.Dockerfile").read_text("utf-8")
    copied = set(re.findall(r"^COPY --chown=ray:ray (\S+) \1$", text, re.MULTILINE))
    assert {"rewards", "psyche_rl", "actors", "data_pipeline", "launch", "requirements", "scripts"} == copied
    assert f"make setup EXTRA={device}" in text
    assert not re.search(r"(KEY|TOKEN|SECRET)=", text)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".venv", "runs", ".git"} <= set(ignored)
    assert not copied & set(ignored)
