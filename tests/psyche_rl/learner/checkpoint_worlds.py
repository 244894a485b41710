"""What two ranks do in ``worlds`` with checkpoints that go wrong on one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch.distributed as dist

from psyche_rl.errors import RunFolderError
from psyche_rl.learner import checkpoint_files
from psyche_rl.learner.checkpoint_files import CheckpointWriter


@contextmanager
def held_back() -> Iterator[None]:
    """Inside, no rank writes a file of a checkpoint."""
    go, write = threading.Event(), CheckpointWriter.write_data

    def waiting(self, plan, planner):
        assert go.wait(120)
        return write(self, plan, planner)

    CheckpointWriter.write_data = waiting
    yield
    go.set()
    CheckpointWriter.write_data = write


def told(act: Callable[[], object]) -> tuple[str, str]:
    """Kind and text of the error that this rank raises."""
    try:
        act()
    except RunFolderError as error:
        return type(error).__name__, str(error)
    return "none", ""


def gathered(mine: tuple[str, str]) -> list[tuple[str, str]]:
    """What both ranks were told."""
    found: list = [None] * dist.get_world_size()
    dist.all_gather_object(found, mine)
    return found


def go_wrong(learner, folder: Path, rank: int, seen: dict) -> None:
    path = folder / "wrong"
    sync = checkpoint_files.sync_file
    if rank == 1:

        def full(_):
            raise OSError(28, "No space left on device")

        checkpoint_files.sync_file = full
    learner.save(str(path))
    seen["unwritten"] = gathered(told(learner.saved)), (path / "done").exists()
    checkpoint_files.sync_file = sync
    dist.barrier()
    learner.save(str(path))
    learner.saved()
    dist.barrier()
    if rank == 0:
        file = path / "__1_0.distcp"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    dist.barrier()
    seen["damaged"] = gathered(told(lambda: learner.load(str(path))))
