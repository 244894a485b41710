"""The wheels: what is in them, and that they work where there is no source tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
REWARDS = tomllib.loads((ROOT / "rewards/pyproject.toml").read_text("utf-8"))

# Python finds nothing but what was installed: no .pth file of the environment, no working directory.
ALONE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "ray", "vllm", "transformers", "psyche_rl", "launch", "verl"}:
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Blocked())
import rewards
from rewards import RewardSample, load_reward_set

reward = load_reward_set({"name": "all", "compose": "sum", "rewards": [
    {"reward": "mcq_strict"}, {"reward": "think_format", "weight": 0.5}, {"reward": "repetition"}]})
choice = {"gold": "B", "kind": "single", "options": ("甲", "乙")}
sample = RewardSample(id="1", response="<think>想</think>答案：B", **choice)
text = RewardSample(id="2", response="<think>想</think>记忆", gold="记忆", kind="short", reference="记忆")
overlap = load_reward_set({"reward": "text_overlap"})
print(rewards.__file__, reward.score(sample).value, overlap.score(text).value)
"""


def requirement_names(requirements: list[str]) -> dict[str, str]:
    return {re.match(r"[\w-]+", wanted)[0]: wanted for wanted in requirements}


def packages_under(folder: Path) -> set[str]:
    found = {path.parent for path in folder.rglob("__init__.py")}
    return {".".join(path.relative_to(folder.parent).parts) for path in found}


def test_the_rewards_alone_are_described_as_in_the_project():
    ours = requirement_names(PROJECT["project"]["dependencies"])
    alone = requirement_names(REWARDS["project"]["dependencies"])
    assert alone.items() <= ours.items()
    for key in ("version", "license", "requires-python"):
        assert REWARDS["project"][key] == PROJECT["project"][key]
    assert set(REWARDS["tool"]["setuptools"]["packages"]) == packages_under(ROOT / "rewards")


def test_the_rewards_alone_need_what_they_import():
    imported = {"math_verify": "math-verify", "rouge_score": "rouge-score", "yaml": "pyyaml"}
    names = set()
    for path in (ROOT / "rewards").rglob("*.py"):
        names |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text("utf-8"), re.M))
    outside = names - set(sys.stdlib_module_names) - {"rewards", "torch"}
    found = {imported.get(name, name) for name in outside if (name.isidentifier() and is_module(name))}
    assert found == set(requirement_names(REWARDS["project"]["dependencies"]))


def is_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def built(source: Path, wheels: Path) -> Path:
    """The wheel of a folder. Works without the network."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "-w", str(wheels), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (wheel,) = wheels.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def project_wheel(tmp_path_factory) -> Path:
    """Of a copy, for a build writes beside its sources."""
    base = tmp_path_factory.mktemp("project")
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, base / name, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, base)
    return built(base, tmp_path_factory.mktemp("wheels"))


def installed(wheel: Path, target: Path) -> dict[str, str]:
    """The wheel in an empty folder; an environment in which Python finds it and the libraries alone."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(target), str(wheel)], check=True, capture_output=True)
    search = os.pathsep.join([str(target), sysconfig.get_path("purelib")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RAY_"))}
    return {**kept, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-S", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_every_file_that_is_read(project_wheel):
    inside = set(zipfile.ZipFile(project_wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    there = [file for file in tracked if (ROOT / file).is_file()]
    assert {file for file in there if file not in inside} == {"rewards/pyproject.toml"}
    tops = {name.partition("/")[0] for name in inside}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.slow
def test_the_wheel_works_without_its_source(project_wheel, tmp_path):
    target = tmp_path / "installed"
    environment = installed(project_wheel, target)
    work = tmp_path / "work"
    work.mkdir()
    where = run(
        work,
        environment,
        "-c",
        f"import {', '.join(PACKAGES)}; print({'.__file__, '.join(PACKAGES)}.__file__)",
    )
    assert where.count(f"{target}/") == len(PACKAGES)
    script = str(target / "bin/psyche-rl")
    assert run(work, environment, script, "--version").startswith(
        f"psyche-rl {PROJECT['project']['version']}"
    )
    told = run(
        work, environment, script, "check", str(target / "launch/configs/mini.yaml"), "--cluster", "1x0x1"
    )
    assert "no mistake found" in told
    assert "mini_exam" in run(work, environment, script, "bench", "list")


@pytest.mark.slow
def test_the_rewards_alone_score_without_torch_and_ray(tmp_path):
    shutil.copytree(ROOT / "rewards", tmp_path / "rewards", ignore=shutil.ignore_patterns("__pycache__"))
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    target = tmp_path / "installed"
    environment = installed(built(tmp_path / "rewards", wheels), target)
    assert {path.name for path in target.iterdir() if "dist-info" not in path.name} == {"rewards"}
    where, exam, overlap = run(tmp_path / "wheels", environment, "-c", ALONE).split()
    assert where == str(target / "rewards/__init__.py")
    assert float(exam) > 1
    assert float(overlap) == 1.0
