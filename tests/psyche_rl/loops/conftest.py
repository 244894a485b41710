"""A folder of checkpoints, and processes that save into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from psyche_rl.loops.checkpoints import Checkpoints
from psyche_rl.store import RunStore


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def new(tmp_path, said):
    """Checkpoints of a process of its own."""

    def build(keep: int = 2, keep_best: bool = False) -> Checkpoints:
        return Checkpoints(RunStore(str(tmp_path)), "grpo", keep, keep_best, said.append)

    return build


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "grpo/checkpoints"
