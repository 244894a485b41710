"""Resolve ``pyproject.toml`` into ``requirements/cpu.lock`` and ``requirements/gpu.lock``.

Role: ``make lock``. Both hold the dev tools, so one environment serves demo and tests.
Collaborators: ``wheel_sources``; uv from ``.venv``.
Invariants:
- A lock names versions, never an address or a path of this machine.
- The gpu lock is only resolved, so a machine without a GPU can make it.
- Versions already locked stay unless ``--upgrade``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from install import ROOT, VENV
from setup_plan import clone_only_environment
from wheel_sources import PYTORCH_CPU_INDEX, parse_pip_config, uv_environment

# The platform of the locks: what the wheels of torch and vLLM are built for.
_TARGET = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")


def compile_command(extra: str, arguments: list[str]) -> list[str]:
    """The call of uv that makes ``requirements/<extra>.lock``, from the clone's root."""
    return [
        *(str(VENV / "bin" / "uv"), "pip", "compile", "pyproject.toml", "--quiet"),
        *("--extra", extra, "--extra", "dev", "--override", f"requirements/{extra}.overrides", *_TARGET),
        *("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"),
        *("--output-file", f"requirements/{extra}.lock", *arguments),
    ]


def main() -> int:
    environment = clone_only_environment(os.environ, ROOT)
    pip_config = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(pip_config, env=environment, capture_output=True, text=True, check=True).stdout
    environment = uv_environment(parse_pip_config(listing), environment)
    for extra in ("cpu", "gpu"):
        command = compile_command(extra, sys.argv[1:])
        # The CPU build of torch is not on the public index: a second look where PyTorch keeps it.
        looks = [command, [*command, "--extra-index-url", PYTORCH_CPU_INDEX]] if extra == "cpu" else [command]
        for look in looks:
            done = subprocess.run(
                look, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                break
            print(done.stderr, file=sys.stderr)
        else:
            return 1
        print(f"requirements/{extra}.lock: {_count(ROOT / 'requirements' / f'{extra}.lock')} packages")
    return 0


def _count(lock: Path) -> int:
    return sum(
        "==" in line and not line.startswith((" ", "#")) for line in lock.read_text("utf-8").splitlines()
    )


if __name__ == "__main__":
    sys.exit(main())
