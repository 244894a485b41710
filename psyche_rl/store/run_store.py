"""A run folder on any filesystem (local path, shared path, fsspec URL).

Collaborators: every stage, through ``launch.pipeline``; actors open their own store from the URL.
Invariants: a file is either absent or whole (written aside, then moved); paths are relative to the
run folder and use '/'; nothing outside the run folder is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import RunFolderError
from psyche_rl.records import Record
from psyche_rl.store.atomic import aside, written_file

R = TypeVar("R", bound=Record)


class RunStore:
    """Reads and writes inside one run folder."""

    def __init__(self, url: str) -> None:
        if "://" not in url:
            url = str(Path(url).expanduser().resolve())
        self.url = url.rstrip("/")
        try:
            self.fs, self._root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise RunFolderError(f"{url}: no such kind of run folder: {error}") from None
        self.is_local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)

    def __reduce__(self) -> tuple[type[RunStore], tuple[str]]:
        return RunStore, (self.url,)

    def path(self, rel: str) -> str:
        """The full path of ``rel`` as this filesystem spells it."""
        return f"{self._root}/{rel}" if rel else self._root

    def local_path(self, rel: str) -> Path:
        """``rel`` as a local path.

        Raises:
            RunFolderError: the run folder is a remote URL.
        """
        if not self.is_local:
            raise RunFolderError(f"{self.url}/{rel} is not on a local or shared disk")
        return Path(self.path(rel))

    # -- whole files ---------------------------------------------------------------------------
    def write_bytes(self, rel: str, data: bytes) -> None:
        """Write atomically."""
        target = self.path(rel)
        try:
            self.fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise RunFolderError(f"{target} cannot be written ({error}); choose another run_dir") from None
        with written_file(self.fs, target) as file:
            file.write(data)

    def read_bytes(self, rel: str) -> bytes:
        """The content of ``rel``.

        Raises:
            RunFolderError: the file is not there.
        """
        try:
            with self.fs.open(self.path(rel), "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            raise RunFolderError(f"{self.path(rel)} is missing; redo the stage that writes it") from None

    def write_text(self, rel: str, text: str) -> None:
        """Write UTF-8 text atomically."""
        self.write_bytes(rel, text.encode())

    def write_json(self, rel: str, value: Any) -> None:
        """Write JSON atomically."""
        self.write_text(rel, json.dumps(value, ensure_ascii=False, indent=1))

    def read_json(self, rel: str) -> Any:
        """Parsed JSON of ``rel``."""
        return json.loads(self.read_bytes(rel))

    def write_jsonl(self, rel: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write one JSON object a line, atomically."""
        self.write_text(rel, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))

    # -- tables --------------------------------------------------------------------------------
    def write_table(self, rel: str, table: pa.Table) -> None:
        """Write parquet atomically."""
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="zstd")
        self.write_bytes(rel, buffer.getvalue().to_pybytes())

    def read_table(self, rel: str) -> pa.Table:
        """Read a parquet file, or all parquet files of a folder in the order of their names."""
        if self.fs.isdir(self.path(rel)):
            tables = [
                pq.read_table(pa.BufferReader(self.read_bytes(part)))
                for part in self.glob(f"{rel}/*.parquet")
            ]
            if not tables:
                raise RunFolderError(f"{self.path(rel)} holds no parquet file; redo the stage that writes it")
            return pa.concat_tables(tables)
        return pq.read_table(pa.BufferReader(self.read_bytes(rel)))

    def write_records(self, rel: str, kind: type[R], records: Iterable[R]) -> None:
        """Write records as one parquet file."""
        self.write_table(rel, kind.to_table(records))

    def read_records(self, rel: str, kind: type[R]) -> list[R]:
        """Read what :meth:`write_records` wrote (or a folder of such files)."""
        return kind.from_table(self.read_table(rel))

    # -- folders -------------------------------------------------------------------------------
    def exists(self, rel: str) -> bool:
        """Whether a file or folder is there."""
        return bool(self.fs.exists(self.path(rel)))

    def remove(self, rel: str) -> None:
        """Remove a file or a folder with all it holds; absent is fine."""
        if self.exists(rel):
            self.fs.rm(self.path(rel), recursive=True)

    def glob(self, pattern: str) -> list[str]:
        """Relative paths that match, sorted."""
        cut = len(self._root) + 1
        return sorted(str(p)[cut:] for p in self.fs.glob(self.path(pattern)))

    def upload_dir(self, local: str | Path, rel: str) -> None:
        """Copy a local folder in; it replaces ``rel``. The move into place comes last."""
        place = aside(rel)
        self.fs.makedirs(self.path(rel).rsplit("/", 1)[0], exist_ok=True)
        self.fs.put(str(local), self.path(place), recursive=True)
        self.remove(rel)
        self.fs.mv(self.path(place), self.path(rel), recursive=True)

    def digest(self, rel: str) -> str:
        """sha256 over the content of a file, or over names and contents of a folder."""
        sha = hashlib.sha256()
        if self.fs.isdir(self.path(rel)):
            cut = len(self.path(rel)) + 1
            for part in sorted(self.fs.find(self.path(rel))):
                sha.update(str(part)[cut:].encode())
                sha.update(self.fs.cat_file(part))
        else:
            sha.update(self.read_bytes(rel))
        return sha.hexdigest()
