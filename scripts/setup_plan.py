"""What ``make setup`` decides: which extra, which torch, whether there is anything to do.

Role: the pure half of ``install.py``. Standard library only.
Invariants: no function here reads a file, a clock or the environment of the process.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from wheel_sources import PYTORCH_CPU_INDEX


class InstallError(Exception):
    """One line that says what went wrong and what to do."""


def check_python(version: tuple[int, int]) -> None:
    """The locks hold for 3.11 and 3.12.

    Raises:
        InstallError: another version.
    """
    if not (3, 11) <= version <= (3, 12):
        named = ".".join(map(str, version))
        raise InstallError(
            f"Python 3.11 or 3.12 is needed, this is {named}: make setup PYTHON=/path/to/python3.11"
        )


def choose_extra(asked: str, has_gpu: bool) -> str:
    """``gpu`` where a GPU answers, else ``cpu``; ``asked`` other than ``auto`` decides by itself."""
    return asked if asked != "auto" else ("gpu" if has_gpu else "cpu")


def locked_version(lock: str, package: str) -> str:
    """The version that ``lock`` (its text) pins for ``package``.

    Raises:
        InstallError: the lock does not pin the package.
    """
    match = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    if match is None:
        raise InstallError(f"the lock does not pin {package}: make it anew with `make lock`")
    return match.group(1)


def torch_indexes(torch_version: str) -> list[str | None]:
    """Where to look for torch, in order; None is wherever pip is configured to look."""
    return [None, PYTORCH_CPU_INDEX] if torch_version.endswith("+cpu") else [None]


def stamp(extra: str, lock: str, pyproject: str, python: str, root: Path) -> str:
    """What an environment is made from, as a hash.

    The tool sections of pyproject do not count, since they install nothing; the clone's path does,
    since scripts in an environment name their interpreter by full path.
    """
    import tomllib  # from 3.11 on: at the top it would hide check_python's message from older ones

    tables = tomllib.loads(pyproject)
    made_from = [extra, lock, tables["project"], tables["build-system"], python, str(root)]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def clone_only_environment(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """``environment`` in which pip and uv write inside ``root`` only, or to caches the user has placed."""
    kept = {**environment, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if "PIP_CACHE_DIR" not in kept:
        kept["PIP_NO_CACHE_DIR"] = "1"
    kept.setdefault("UV_CACHE_DIR", str(root / ".uv-cache"))
    kept.setdefault("UV_PYTHON_DOWNLOADS", "never")
    return kept
