"""Kinds of file by their names, packed ones included, and how a file of each is opened.

Invariants:
- ``a.jsonl.gz`` is a ``.jsonl`` that is packed; whatever is read is read packed too.
- A packed file is unpacked as a stream: it is never held in memory whole.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, cast

from data_pipeline.ingest.bounds import BoundedStream
from data_pipeline.ingest.documents import DOCUMENT_SUFFIXES

LINE_SUFFIXES = (".jsonl", ".ndjson")
TABLE_SUFFIXES = (".csv", ".tsv")
TREE_SUFFIXES = (".json", ".yaml", ".yml")
ROW_SUFFIXES = (*LINE_SUFFIXES, *TREE_SUFFIXES, *TABLE_SUFFIXES, ".parquet", ".xlsx")
PACKED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")
READ_SUFFIXES = DOCUMENT_SUFFIXES + ROW_SUFFIXES
KINDS_READ = ", ".join(s.removeprefix(".") for s in READ_SUFFIXES) + "; packed as gz, zst, bz2 or xz too"


@dataclass(frozen=True)
class FileKind:
    """The suffix of a file as unpacked, and that of its packing, if any; both in lower case."""

    suffix: str
    packed: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether files of this kind are read."""
        return self.suffix in READ_SUFFIXES


def kind_of(name: str) -> FileKind:
    """The kind of a file by its name."""
    path = PurePosixPath(name.lower())
    if path.suffix in PACKED_SUFFIXES:
        return FileKind(path.with_suffix("").suffix, path.suffix)
    return FileKind(path.suffix)


def unpacked(file: IO[bytes], kind: FileKind) -> IO[bytes]:
    """What a file holds, as a stream that may grow within bounds; ``file`` must stay open meanwhile."""
    if kind.packed is None:
        return file
    return cast(IO[bytes], BoundedStream(_unpacked(file, kind.packed), file))


def _unpacked(file: IO[bytes], packed: str) -> IO[bytes]:
    if packed == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if packed == ".zst":
        import pyarrow as pa

        stream: Any = pa.CompressedInputStream(file, "zstd")
        return cast(IO[bytes], io.BufferedReader(stream))
    import bz2
    import lzma

    open_: Any = bz2.BZ2File if packed == ".bz2" else lzma.LZMAFile
    return cast(IO[bytes], open_(file))


def packing(file: IO[bytes], kind: FileKind) -> IO[bytes]:
    """A stream to write what a file of this kind is to hold; to be closed before ``file``."""
    if kind.packed is None:
        return file
    if kind.packed == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0))
    if kind.packed == ".zst":
        import pyarrow as pa

        return cast(IO[bytes], pa.CompressedOutputStream(file, "zstd"))
    import bz2
    import lzma

    open_: Any = bz2.BZ2File if kind.packed == ".bz2" else lzma.LZMAFile
    return cast(IO[bytes], open_(file, "wb"))
