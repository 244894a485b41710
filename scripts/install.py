"""Make ``.venv`` in this clone with exactly the locked packages, quickly and without touching anything else.

Role: ``make setup``. Standard library only, since it runs before anything is installed.
Collaborators: ``setup_plan`` decides; ``wheel_sources`` tells uv what pip knows; the locks say what.
Invariants:
- Nothing is written outside the clone.
- An environment whose stamp does not match is made anew, so a finished one holds what the lock names and
  nothing that an older lock left behind.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from setup_plan import (
    InstallError,
    check_python,
    choose_extra,
    clone_only_environment,
    locked_version,
    stamp,
    torch_indexes,
)
from wheel_sources import parse_pip_config, uv_environment

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / "psyche-rl.stamp"
RAY_TOKEN = VENV / "ray_auth_token"
"""Ray would else make one in ``~/.ray``; the Makefile points Ray here."""


@dataclass(frozen=True)
class Installer:
    """uv or pip: how it is called, and in which environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    def install(self, *what: str) -> None:
        """Install without resolving: the lock already holds every dependency."""
        run([*self.command, "--quiet", "--no-deps", *what], self.environment)


def set_up(asked_extra: str) -> None:
    """Make ``.venv`` match the lock; does nothing where it already does.

    Raises:
        InstallError: it cannot be done; the text says why.
    """
    check_python(sys.version_info[:2])
    extra = choose_extra(asked_extra, nvidia_smi_answers())
    lock = ROOT / "requirements" / f"{extra}.lock"
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    wanted = stamp(extra, lock.read_text("utf-8"), pyproject, sys.version, ROOT)
    if STAMP.is_file() and STAMP.read_text("utf-8") == wanted:
        return
    begun = time.monotonic()
    say(f"making .venv with {lock.relative_to(ROOT)}")
    make_venv()
    install_with_first(installers(lock.read_text("utf-8")), lock)
    write_ray_token()
    STAMP.write_text(wanted, "utf-8")
    say(f".venv is ready after {time.monotonic() - begun:.0f} s")


def nvidia_smi_answers() -> bool:
    """Whether ``nvidia-smi -L`` lists a GPU."""
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listing.returncode == 0 and b"GPU" in listing.stdout


def make_venv() -> None:
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InstallError(
            f"cannot make {VENV} ({error}); does this Python have venv and ensurepip (python3-venv)?"
        ) from None


def installers(lock: str) -> list[Installer]:
    """uv, if pip can fetch the locked one, and pip in any case."""
    environment = clone_only_environment(os.environ, ROOT)
    pip = Installer("pip", (PYTHON, "-m", "pip", "install"), environment)
    try:
        pip.install(f"uv=={locked_version(lock, 'uv')}")
    except InstallError as error:
        say(f"no uv ({error})")
        return [pip]
    sources = parse_pip_config(run([PYTHON, "-m", "pip", "config", "list"], environment))
    # Compiled once here (pip does so by itself): containers often forbid Python to keep what it compiles, and
    # then each of the many processes of a run would spend half of its start on that.
    options = ("--python", PYTHON, "--compile-bytecode", *(("--no-index",) if sources.no_index else ()))
    uv = Installer(
        "uv", (str(VENV / "bin" / "uv"), "pip", "install", *options), uv_environment(sources, environment)
    )
    return [uv, pip]


def install_with_first(candidates: Sequence[Installer], lock: Path) -> None:
    """Torch, the rest of the lock, and the project, with the first installer that manages it."""
    for installer in candidates:
        try:
            install_torch(installer, locked_version(lock.read_text("utf-8"), "torch"))
            say(f"{installer.name} installs the rest" + (", in minutes" if installer.name == "pip" else ""))
            installer.install("-r", str(lock))
            # The build back end is in the lock: without isolation this needs no network.
            installer.install("--no-build-isolation", "-e", str(ROOT))
            return
        except InstallError as error:
            say(f"{installer.name} failed: {error}")
    raise InstallError(f"{lock.relative_to(ROOT)} could not be installed; the reasons are above")


def install_torch(installer: Installer, version: str) -> None:
    """Torch by its exact local version: ``==2.13.0`` would take ``2.13.0+cpu`` on a GPU as well."""
    failures = []
    for index in torch_indexes(version):
        say(f"{installer.name} looks for torch {version} " + (f"at {index}" if index else "where pip looks"))
        try:
            installer.install(*(("--index-url", index) if index else ()), f"torch==={version}")
            return
        except InstallError as error:
            failures.append(str(error))
    raise InstallError(
        f"torch {version} cannot be had ({'; '.join(failures)}); "
        "name a folder that holds its wheel: make setup PIP_FIND_LINKS=/path/to/wheels"
    )


def write_ray_token() -> None:
    descriptor = os.open(RAY_TOKEN, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run to the end and return what it printed.

    Raises:
        InstallError: it failed; the text holds the lines with which it said why.
    """
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise InstallError(
            " ".join(done.stderr.split())[-600:] or f"{command[0]} ended with {done.returncode}"
        )
    return done.stdout


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--extra", choices=("auto", "cpu", "gpu"), default="auto")
    try:
        set_up(parser.parse_args().extra)
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
