"""A run folder on any filesystem (local path, shared path, fsspec URL).

Collaborators: every stage, through ``launch.pipeline``; actors open their own store from the URL.
Invariants:
- a file is either absent or whole (written aside, then moved), but for one that is appended to;
- what this process wrote has a digest, taken while it was written (``written``);
- paths are relative to the run folder and use '/'; nothing outside the run folder is written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import RunFolderError
from psyche_rl.masking import has_login
from psyche_rl.records import Record
from psyche_rl.records.record import told_kind
from psyche_rl.store.atomic import aside, written_file
from psyche_rl.store.hashed_file import HashedFile, Written
from psyche_rl.store.intact import intact

R = TypeVar("R", bound=Record)
ROW_GROUP = 1024  # rows of a parquet file that are written, and read, at once


class RunStore:
    """Reads and writes inside one run folder."""

    def __init__(self, url: str) -> None:
        if has_login(url):
            raise RunFolderError(
                "the run folder's address holds a login; leave it to the storage's variables"
            )
        if "://" not in url:
            url = str(Path(url).expanduser().resolve())
        self.url = url.rstrip("/")
        try:
            self.fs, self._root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise RunFolderError(f"{url}: no such kind of run folder: {error}") from None
        self.is_local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)
        self.written: dict[str, Written] = {}
        """What this store has written: relative path -> size and digest."""

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
    @contextmanager
    def writing(self, rel: str) -> Iterator[HashedFile]:
        """A new file, in its place once the context ends without an error; before that there is none.

        Raises:
            RunFolderError: the folder cannot be made.
        """
        self.make_folder(rel.rpartition("/")[0])
        with written_file(self.fs, self.path(rel)) as file:
            hashed = HashedFile(file)
            yield hashed
        self.written[rel] = hashed.written

    def write_bytes(self, rel: str, data: bytes) -> None:
        """Write atomically."""
        with self.writing(rel) as file:
            file.write(data)

    def append_text(self, rel: str, text: str) -> None:
        """Append to a file: in place on a disk; elsewhere it is written anew."""
        data = text.encode()
        if not self.is_local:
            self.write_bytes(rel, (self.read_bytes(rel) if self.exists(rel) else b"") + data)
            return
        path = self.local_path(rel)
        if not path.exists():
            self.write_bytes(rel, data)
            return
        with path.open("ab") as file:
            file.write(data)
        if rel in self.written:
            self.written[rel].add(data)

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

    def read_lines(self, rel: str) -> list[str]:
        """The whole lines of a file that grows by :meth:`append_text`; none if it is absent.

        The line that a killed process was writing is left out: it was never whole.
        """
        if not self.exists(rel):
            return []
        whole, _, _torn = self.read_bytes(rel).decode("utf-8", "replace").rpartition("\n")
        return whole.split("\n") if whole else []

    def read_json_lines(self, rel: str) -> list[dict[str, Any]]:
        """The objects of a file that grows by a line of JSON at a time; none if it is absent.

        Raises:
            RunFolderError: a whole line is no JSON object.
        """
        rows = []
        for number, line in enumerate(self.read_lines(rel), 1):
            with intact(self.path(f"{rel}:{number}"), f"{rel}:{number}"):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"a line must be an object, found {line[:40]!r}")
                rows.append(row)
        return rows

    def write_text(self, rel: str, text: str) -> None:
        """Write UTF-8 text atomically."""
        self.write_bytes(rel, text.encode())

    def write_json(self, rel: str, value: Any) -> None:
        """Write JSON atomically."""
        self.write_text(rel, json.dumps(value, ensure_ascii=False, indent=1))

    def read_json(self, rel: str) -> Any:
        """Parsed JSON of ``rel``.

        Raises:
            RunFolderError: it is missing or damaged.
        """
        data = self.read_bytes(rel)
        with intact(self.path(rel), rel):
            return json.loads(data)

    def write_jsonl(self, rel: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write one JSON object a line, atomically."""
        self.write_text(rel, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))

    # -- tables --------------------------------------------------------------------------------
    def write_table(self, rel: str, table: pa.Table) -> None:
        """Write parquet atomically."""
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="zstd", row_group_size=ROW_GROUP)
        self.write_bytes(rel, buffer.getvalue().to_pybytes())

    def read_table(self, rel: str) -> pa.Table:
        """Read a parquet file, or all parquet files of a folder in the order of their names.

        Raises:
            RunFolderError: it is missing or damaged, or its records are of a newer version.
        """
        return self._table(rel)

    def write_records(self, rel: str, kind: type[R], records: Iterable[R]) -> None:
        """Write records as one parquet file."""
        self.write_table(rel, kind.to_table(records))

    def read_records(self, rel: str, kind: type[R]) -> list[R]:
        """Read what :meth:`write_records` wrote (or a folder of such files).

        Raises:
            RunFolderError: it is missing, damaged, or holds other records or those of a newer version.
        """
        table = self._table(rel, kind)
        with intact(self.path(rel), rel):
            return kind.from_table(table)

    # -- folders -------------------------------------------------------------------------------
    def exists(self, rel: str) -> bool:
        """Whether a file or folder is there."""
        return bool(self.fs.exists(self.path(rel)))

    def make_folder(self, rel: str = "") -> None:
        """Make a folder and those above it.

        Raises:
            RunFolderError: it cannot be made.
        """
        try:
            self.fs.makedirs(self.path(rel), exist_ok=True)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise RunFolderError(
                f"{self.path(rel)} cannot be written ({error}); choose another run_dir"
            ) from None

    def remove(self, rel: str) -> None:
        """Remove a file or a folder with all it holds; absent is fine."""
        if self.exists(rel):
            self.fs.rm(self.path(rel), recursive=True)
        for known in [k for k in self.written if k == rel or k.startswith(f"{rel}/")]:
            del self.written[known]

    def files(self, rel: str) -> dict[str, int]:
        """Relative path -> size in bytes of a file, or of all files of a folder; none where it is absent."""
        path = self.path(rel)
        if self.fs.isfile(path):
            return {rel: int(self.fs.info(path)["size"])}
        if not self.exists(rel):
            return {}
        cut = len(self._root) + 1
        found = self.fs.find(path, detail=True).values()
        return {str(info["name"])[cut:]: int(info["size"]) for info in found}

    def move(self, rel: str, to: str) -> None:
        """Move a file or folder to where nothing is; absent is fine.

        On a disk in one step. Elsewhere file by file, since object stores know no folders and refuse to move
        the key of one; what a cut leaves behind is moved by calling it again.
        """
        if not self.exists(rel):
            return
        self.make_folder(to.rpartition("/")[0])
        if self.is_local:
            os.replace(self.path(rel), self.path(to))
        else:
            for file in self.files(rel):
                self.fs.makedirs(self.path(to + file[len(rel) :]).rpartition("/")[0], exist_ok=True)
                self.fs.mv(self.path(file), self.path(to + file[len(rel) :]))
            if self.exists(rel):  # a folder that holds no file any more
                self.fs.rm(self.path(rel), recursive=True)
        for known in [k for k in self.written if k == rel or k.startswith(f"{rel}/")]:
            self.written[to + known[len(rel) :]] = self.written.pop(known)

    def glob(self, pattern: str) -> list[str]:
        """Relative paths that match, sorted."""
        cut = len(self._root) + 1
        return sorted(str(p)[cut:] for p in self.fs.glob(self.path(pattern)))

    def upload_dir(self, local: str | Path, rel: str) -> None:
        """Copy a local folder in; it replaces ``rel``. The move into place comes last."""
        place = aside(rel)
        self.make_folder(rel.rpartition("/")[0])
        self.fs.put(str(local), self.path(place), recursive=True)
        self.remove(rel)
        self.move(place, rel)

    def digest(self, rel: str) -> str:
        """sha256 over the content of a file, or over names and contents of a folder."""
        sha = hashlib.sha256()
        if self.fs.isdir(self.path(rel)):
            cut = len(self.path(rel)) + 1
            for part in sorted(self.fs.find(self.path(rel))):
                sha.update(
                    f"{str(part)[cut:]}\0".encode()
                )  # no name holds a NUL, and a digest has one length
                sha.update(hashlib.sha256(self.fs.cat_file(part)).digest())
        else:
            sha.update(self.read_bytes(rel))
        return sha.hexdigest()

    # -- inside --------------------------------------------------------------------------------
    def _table(self, rel: str, kind: type[Record] | None = None) -> pa.Table:
        parts = self.glob(f"{rel}/*.parquet") if self.fs.isdir(self.path(rel)) else [rel]
        if not parts:
            raise RunFolderError(f"{self.path(rel)} holds no parquet file; redo the stage that writes it")
        tables = [self._parquet(part) for part in parts]
        for part, table in zip(parts, tables, strict=True):
            if (why := (kind or told_kind(table.schema)).misfit(table.schema)) is not None:
                raise RunFolderError(f"{self.path(part)}: {why}")
        # Files of an older version of a record lack the fields that were added since.
        with intact(self.path(rel), rel):
            return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")

    def _parquet(self, rel: str) -> pa.Table:
        """A parquet file's table.

        Arrow gets a copy of its own: if a thread of Arrow's lets go of Python's memory while the process
        ends, the process aborts.
        """
        copy = pa.BufferOutputStream()
        copy.write(self.read_bytes(rel))
        with intact(self.path(rel), rel):
            return pq.read_table(pa.BufferReader(copy.getvalue()))
