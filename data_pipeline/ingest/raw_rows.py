"""From a path to raw rows: which files there are, and what stands in them.

Role: :func:`inputs` names what can be read one by one, on any process that sees it; :func:`rows_of` streams
the rows of one of them; :func:`read_rows` does both here.
Collaborators: ``file_kinds`` and ``open_rows`` for files, ``saved_datasets`` for Hugging Face datasets.
Invariants:
- Files come in the order of their names and rows in theirs, numbered from 1.
- The source of a row is its path from the folder given, so that records do not depend on where the folder
  lies.
- A file that is a symbolic link may lead anywhere on the machine: it is read where it is named, or asked for.
- Files in a folder that are of no kind that is read are one input, which names and counts them.
- JSONL, tables, parquet and datasets are never held in memory whole, unless a table is a workbook.
"""

from __future__ import annotations

import lzma
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

import fsspec
import pyarrow as pa
import yaml

from data_pipeline.ingest.documents import DOCUMENT_SUFFIXES
from data_pipeline.ingest.file_kinds import KINDS_READ, kind_of, unpacked
from data_pipeline.ingest.raw_row import Input, RawRow, bad_row, text_of
from data_pipeline.ingest.row_layouts import found_rows
from data_pipeline.ingest.saved_datasets import DATASET, HUB, dataset_rows, is_hub_name, is_saved_dataset
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined
from rewards.text.unicode import whole_characters

UNREAD = "unread"
_TEXT_ABOUT_DATA = ("readme", "license", "licence", "changelog")
UNREADABLE = (
    ValueError, yaml.YAMLError, OSError, pa.ArrowException, EOFError, zlib.error, lzma.LZMAError,
    RecursionError,
)  # fmt: skip
_LINK = "symbolic link(s), which are followed with data.follow_links only"
_NAMED = 5  # of the files of one kind that is not read

__all__ = ["UNREAD", "UNREADABLE", "Input", "RawRow", "bad_row", "inputs", "read_rows", "rows_of", "text_of"]


def read_rows(path: str, stage: str, follow_links: bool = False) -> Iterator[RawRow | Quarantined]:
    """The rows of a file, folder or dataset; what cannot be read is quarantined for ``stage``.

    Raises:
        DataError: the path is missing, holds no file of a known kind, or is one unreadable file.
    """
    for found in inputs(path, follow_links):
        yield from rows_of(found, stage)


def inputs(path: str, follow_links: bool = False) -> list[Input]:
    """The files and datasets under a path; files that are symbolic links only where ``follow_links``.

    Raises:
        DataError: the path is missing or holds no file of a known kind.
    """
    if is_hub_name(path):
        return [Input(path, path, path, HUB, True)]
    fs, root = fsspec.core.url_to_fs(path)
    if not fs.exists(root):
        raise DataError(f"{path}: no such file or folder; correct the path in the config's data section")
    alone = not fs.isdir(root)
    parent = root.rstrip("/").rsplit("/", 1)[0]
    if not alone and is_saved_dataset(fs, root):
        return [Input(path, root, _source(root, parent), DATASET, True)]
    about = {root: {"size": 0}} if alone else fs.find(root, detail=True)
    wanted = [file for file in sorted(about) if alone or _is_data(file[len(root) :])]
    links = {file for file in wanted if about[file].get("islink") and not follow_links}
    known = [file for file in wanted if kind_of(file).is_read and file not in links]
    unread = [Input(path, file, _source(file, parent), UNREAD, alone) for file in wanted if file not in known]
    if not known:
        told = "; ".join(reason for reason, _ in _unread(unread, links)) or "no file"
        raise DataError(f"{path}: no file of a known kind ({KINDS_READ}) is there, but {told}")
    sizes = {file: about[file]["size"] or 0 for file in known}
    found = [Input(path, f, _source(f, parent), kind_of(f).suffix, alone, sizes[f]) for f in known]
    return found + ([_together(unread, links)] if unread else [])


def rows_of(found: Input, stage: str) -> Iterator[RawRow | Quarantined]:
    """The rows of one input.

    Raises:
        DataError: it is unreadable and all there is.
    """
    row = 0
    try:
        for raw in _rows(found, stage):
            row = raw.row
            yield raw
    except UNREADABLE as error:
        why = str(error) or type(error).__name__
        if found.alone and not row:
            raise DataError(f"{found.path}: cannot be read: {why}; repair or remove the file") from None
        yield bad_row(stage, RawRow(found.source, row, ""), f"the file cannot be read: {why}")


def _rows(found: Input, stage: str) -> Iterator[RawRow | Quarantined]:
    if found.kind == UNREAD:
        for name in found.file.split("\n"):
            yield bad_row(stage, RawRow(found.source, 0, name), name)
        return
    if found.kind in (DATASET, HUB):
        for source, number, value, licence in dataset_rows(found.kind, found.file, found.source):
            yield RawRow(source, number, value, licence=licence)
        return
    fs, _ = fsspec.core.url_to_fs(found.path)
    with fs.open(found.file, "rb") as file:
        for row in found_rows(unpacked(file, kind_of(found.file)), found.kind):
            if row.fault is not None:
                yield bad_row(stage, RawRow(found.source, row.number, row.text), row.fault)
                continue
            document = row.document
            licence = document.licence if document else None
            yield RawRow(found.source, row.number, row.value, document, licence)
            for lost in document.missing if document else ():
                yield bad_row(stage, RawRow(found.source, lost.part, lost.text), lost.reason)


def _unread(files: list[Input], links: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """(what there is of a kind that is not read, the files) by kind."""
    by_kind = defaultdict(list)
    for each in files:
        suffix = kind_of(each.file).suffix or "no suffix"
        kind = _LINK if each.file in links else f"of a kind that is not read ({suffix})"
        by_kind[kind].append(each.source)
    for kind, names in sorted(by_kind.items()):
        some = ", ".join(PurePosixPath(name).name for name in names[:_NAMED])
        more = ", …" if len(names) > _NAMED else ""
        yield f"{len(names)} {kind}: {some}{more}", names


def _together(unread: list[Input], links: Collection[str]) -> Input:
    """The files that are not read, as one input that says so, a line for each kind."""
    told = "\n".join(reason for reason, _ in _unread(unread, links))
    source = unread[0].source.split("/")[0]
    return Input(unread[0].path, told, source, UNREAD, False)


def _source(file: str, parent: str) -> str:
    return whole_characters(" ".join(file.rstrip("/")[len(parent) + 1 :].split()))


def _is_data(relative: str) -> bool:
    """Whether a file in a folder is data: neither hidden nor a text about the data."""
    name = PurePosixPath(relative).name.lower()
    if name.startswith(".") or (name.startswith("_") and not kind_of(name).is_read):
        return False
    about = name.startswith(_TEXT_ABOUT_DATA) and kind_of(name).suffix in ("", *DOCUMENT_SUFFIXES)
    return not about
