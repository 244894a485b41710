"""How the ranks' files of a checkpoint get onto the disk, and the mark that makes it count.

Role: a storage writer for torch.distributed.checkpoint (DCP), for folders and fsspec URLs.
Collaborators: ``checkpointing`` hands it to DCP; ``store.marked_folder`` has the mark.
Invariants:
- Order on a disk: each rank's file, ``.metadata``, the folders' names, the mark; each is there to stay
  before the next begins. DCP itself calls fsync on ``.metadata`` before it has flushed it.
- Sizes and digests are those of the bytes that were meant to be written.
- What goes wrong on one rank is an error on all: this happens inside DCP's own steps, which see to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.distributed.checkpoint.filesystem import FileSystem, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from psyche_rl.store.atomic import SUFFIX, sync_file
from psyche_rl.store.hashed_file import HashedFile
from psyche_rl.store.marked_folder import mark_folder
from psyche_rl.store.outputs import Output


class _RankResults(list[WriteResult]):
    """What a rank hands to rank 0: DCP's entries, and its files."""

    files: dict[str, Output]


class _SyncedFile(HashedFile):
    """Waits for the disk when it is closed."""

    def __init__(self, file: Any, sync: bool) -> None:
        super().__init__(file)
        self._sync = sync

    def tell(self) -> int:
        return self.written.size

    def close(self) -> None:
        if not self.closed:
            if self._sync:
                sync_file(self._file)
            super().close()


class CheckpointWriter(FileSystemWriter):
    """Writes one checkpoint.

    Args:
        path: a folder that is absent or holds no mark, or a URL.
        notes: figures that go into the mark.
    """

    def __init__(self, path: str, notes: Mapping[str, float]) -> None:
        super().__init__(path, sync_files=False)  # _SyncedFile does, after flushing
        self._url, self._notes = path, dict(notes)
        self._remote = "://" in path
        if self._remote:
            from torch.distributed.checkpoint._fsspec_filesystem import FileSystem as RemoteFileSystem

            self.fs: Any = RemoteFileSystem()
            self.path = self.fs.init_path(path)
        else:
            self.fs = FileSystem()
        self._opened: dict[str, HashedFile] = {}
        self._open = self.fs.create_stream
        self.fs.create_stream = self._create_stream

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """DCP's step on each rank."""
        results = _RankResults(super().write_data(plan, planner).value())
        results.files = self._files()
        found: Future[list[WriteResult]] = Future()
        found.set_result(results)
        return found

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """DCP's last step, on rank 0 when all ranks have written."""
        super().finish(metadata, results)
        files = self._files()
        for rank in results:
            files |= rank.files if isinstance(rank, _RankResults) else {}
        mark_folder(self._url, files, self._notes)

    @contextmanager
    def _create_stream(self, path: Any, mode: str) -> Iterator[Any]:
        with self._open(path, mode) as stream:
            file = _SyncedFile(stream, sync=not self._remote)
            yield file
            file.close()
        self._opened[str(path).rpartition("/")[2].removesuffix(SUFFIX)] = file

    def _files(self) -> dict[str, Output]:
        return {
            name: Output(size=file.written.size, sha256=file.written.sha256)
            for name, file in self._opened.items()
        }
