"""A disk of one mebibyte, which is soon full, and one that is read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[Path]:
    """``folder`` as a disk of its own, in memory; the test is skipped where mounting is not permitted."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, name: str = "ballast") -> None:
    """Leave no room."""
    with (folder / name).open("wb", buffering=0) as file:
        for chunk in (2**16, 2**12):
            try:
                while file.write(b"\0" * chunk):
                    pass
            except OSError:
                continue


def read_only(folder: Path) -> None:
    """Nothing can be written from now on."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
